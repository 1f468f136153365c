"""Drivers of the doors of the DICOM listener: C-STORE, own and reference, and STOW-RS."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, evt
from pynetdicom.pdu import A_ASSOCIATE_RJ

from shared.domain.refusals import ANSWERS, Cause
from shared.testing.dicom import Sender, data_set_bytes, encoded, send_raw, small_series
from shared.testing.listener_process import ListenerProcess
from shared.testing.ports import accepts_connections, free_port, wait_until
from tests.contract.doors.driver import Heard, http_refusal

_IMAGE = small_series(1)[0]
_EXTRA = "settle_s = 0.2\nquiet_s = 2.0\nstop_grace_s = 1.0\nmax_object_mb = 1\n"
_TROUBLES = {
    Cause.OUT_OF_SPACE: "",  # min_free_mb is in the fixed part of the settings
    Cause.STORE_UNREACHABLE: "ledger_grace_s = 0.5",
    Cause.OVERLOADED: "max_associations = 1\nstow_max_requests = 1\nacse_timeout_s = 2.0",
    Cause.TOO_SLOW: "stow_idle_s = 0.5",
}


def image() -> Dataset:
    """Return a new image."""
    made = deepcopy(_IMAGE)
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    return made


class Listener:
    """What both kinds of driver share: the process, and what was answered with success."""

    def __init__(self, folder: Path, settings: str) -> None:
        self.process = ListenerProcess(folder, senders=("PACS",))
        self._settings = settings
        self.acknowledged: list[str] = []

    def start(self, trouble: Cause | None = None) -> None:
        self.process.extra = f"{_EXTRA}{self._settings}\n{_TROUBLES.get(trouble, '') if trouble else ''}\n"
        if trouble is not Cause.STORE_UNREACHABLE:
            self.process.extra += "ledger_grace_s = 600.0\n"
        self.environment(trouble)
        self.process.start()

    @staticmethod
    def environment(trouble: Cause | None) -> None:
        """``min_free_mb`` stands in the fixed part of the process's settings, so it is overridden by environment."""
        os.environ.pop("ONCORELAY_DICOM_LISTENER__MIN_FREE_MB", None)
        if trouble is Cause.OUT_OF_SPACE:
            os.environ["ONCORELAY_DICOM_LISTENER__MIN_FREE_MB"] = str(10**9)

    def kill(self) -> None:
        self.process.kill()
        self.environment(None)

    def holds_all(self) -> bool:
        """Look into the journal: every acknowledged instance was judged and is a member."""
        wanted = set(self.acknowledged)
        wait_until(lambda: wanted <= self._recorded(), "every acknowledged instance in the journal")
        return True

    def _recorded(self) -> set[str]:
        lines = [line for path in self.process.journal.glob("*.jsonl") for line in path.read_bytes().splitlines()]
        rows = [json.loads(line.split(b" ", 2)[2]) for line in lines]
        return {row["record"]["sop_instance_uid"] for row in rows if row["kind"] == "InstanceStored"}

    def refusing(self, send: Callable[[], Heard]) -> Heard:
        """Send until the door refuses: some troubles are noticed only after a moment."""
        heard = [send()]

        def refused() -> bool:
            heard[0] = send()
            return not heard[0].success

        if heard[0].success:
            wait_until(refused, "a refusal")
        return heard[0]


class CStore(Listener):
    """C-STORE; ``kind`` as in ``[dicom_listener] door``."""

    troubles = frozenset({Cause.OUT_OF_SPACE, Cause.STORE_UNREACHABLE, Cause.OVERLOADED})

    def __init__(self, folder: Path, kind: str) -> None:
        super().__init__(folder, f'door = "{kind}"')
        self._kind = kind
        self.provoked: Mapping[Cause, Callable[[], Heard]] = {
            Cause.OUT_OF_SPACE: self.send_good,
            Cause.STORE_UNREACHABLE: lambda: self.refusing(self.send_good),
            Cause.OVERLOADED: self._crowded,
            Cause.CALLER_UNKNOWN: lambda: self._associated("STRANGER", "ONCORELAY"),
            Cause.CALLED_UNKNOWN: lambda: self._associated("PACS", "SOMEBODY"),
            Cause.DOES_NOT_MATCH: self._another,
            Cause.UNREADABLE: lambda: self._raw(image(), b"\xff" * 400),
        }

    def send_good(self) -> Heard:
        made = image()
        heard = self._associated("PACS", "ONCORELAY", made, data_set_bytes(made))
        if heard.success:
            self.acknowledged.append(str(made.SOPInstanceUID))
        return heard

    def expected(self, cause: Cause) -> Heard:
        row = ANSWERS[cause]
        if self._kind == "pynetdicom" and cause in self.troubles - {Cause.OVERLOADED}:
            # Its library decides over an association before we are asked: the reference can only abort it.
            return Heard(success=False, answer="aborted")
        at_the_door = cause in self.troubles or cause in (Cause.CALLER_UNKNOWN, Cause.CALLED_UNKNOWN)
        rejection = f"reject {row.association.result}/{row.association.source}/{row.association.reason}"
        return Heard(success=False, answer=rejection if at_the_door else f"status {row.c_store:04X}")

    def _raw(self, announced: Dataset, content: bytes) -> Heard:
        return self._associated("PACS", "ONCORELAY", announced, content)

    def _another(self) -> Heard:
        return self._raw(image(), data_set_bytes(image()))

    def _crowded(self) -> Heard:
        held = self._place()
        try:
            return self.send_good()
        finally:
            held.release()

    def _place(self) -> Any:
        """Take the only place; the reference holds it for a while for whoever just looked whether the port is open."""
        found: list[Any] = []

        def taken() -> bool:
            with suppress(ConnectionError):
                found.append(Sender(self.process.port).associate([image()]))
            return bool(found)

        wait_until(taken, "a free place")
        return found[0]

    def _associated(self, calling: str, called: str, announced: Dataset | None = None, content: bytes = b"") -> Heard:
        made = announced or image()
        rejections: list[Any] = []

        def keep(event: Any) -> None:
            if isinstance(event.pdu, A_ASSOCIATE_RJ):
                rejections.append(event.pdu)

        entity = AE(calling)
        entity.add_requested_context(made.SOPClassUID, made.file_meta.TransferSyntaxUID)
        handlers: list[Any] = [(evt.EVT_PDU_RECV, keep)]
        association = entity.associate("127.0.0.1", self.process.port, ae_title=called, evt_handlers=handlers)
        if not association.is_established:
            return Heard(success=False, answer=_rejection(rejections))
        try:
            status = int(send_raw(association, made, content or data_set_bytes(made)).get("Status", -1))
        except RuntimeError:  # it ended before we could send
            return Heard(success=False, answer="aborted")
        association.release()
        if status < 0:
            return Heard(success=False, answer="aborted")
        return Heard(success=status == 0, answer=f"status {status:04X}")


def _rejection(rejections: list[Any]) -> str:
    if not rejections:
        return "aborted"
    pdu = rejections[0]
    return f"reject {pdu.result}/{pdu.source}/{pdu.reason_diagnostic}"


class Stow(Listener):
    """STOW-RS."""

    troubles = frozenset({Cause.OUT_OF_SPACE, Cause.STORE_UNREACHABLE, Cause.OVERLOADED, Cause.TOO_SLOW})

    def __init__(self, folder: Path) -> None:
        self._port = free_port()
        super().__init__(folder, f"stow_port = {self._port}")
        secrets = folder / "data" / "secrets"
        secrets.mkdir(parents=True)
        keys = "PACS a-key-of-the-pacs-1234 images.write\nREADER a-key-of-a-reader-12 images.read\n"
        (secrets / "dicom_listener.token").write_text(keys)
        whole, part = self._post, self._part
        self.provoked: Mapping[Cause, Callable[[], Heard]] = {
            Cause.OUT_OF_SPACE: self.send_good,
            Cause.STORE_UNREACHABLE: lambda: self.refusing(self.send_good),
            Cause.OVERLOADED: self._crowded,
            Cause.TOO_SLOW: self._slow,
            Cause.CALLER_UNKNOWN: lambda: whole(encoded(image()), Authorization="Bearer nobody-knows-this-key"),
            Cause.CALLER_FORBIDDEN: lambda: whole(encoded(image()), Authorization="Bearer a-key-of-a-reader-12"),
            Cause.NOT_SUPPORTED: lambda: whole(encoded(image()), Content_Type="application/dicom"),
            Cause.ENCODING_NOT_SUPPORTED: self._undecodable,
            Cause.DOES_NOT_MATCH: lambda: part(_file_of(image(), data_set_bytes(image()))),
            Cause.UNREADABLE: lambda: part(_file_of(image(), b"\xff" * 400)),
            Cause.TOO_LARGE: lambda: part(encoded(image()) + bytes(2 << 20)),
            Cause.INVALID_VALUE: lambda: part(_named("1.2.not-a-uid")),
        }

    def start(self, trouble: Cause | None = None) -> None:
        super().start(trouble)
        wait_until(lambda: accepts_connections(self._port), "the STOW-RS door")

    def send_good(self) -> Heard:
        made = image()
        heard = self._part(encoded(made))
        if heard.success:
            self.acknowledged.append(str(made.SOPInstanceUID))
        return heard

    def expected(self, cause: Cause) -> Heard:
        whole = cause in self.troubles or cause in (
            Cause.CALLER_UNKNOWN, Cause.CALLER_FORBIDDEN, Cause.NOT_SUPPORTED,
        )  # fmt: skip
        # PS3.18 table 10.5.3-1: 409 where no instance was stored; the instance's own reason is in the body.
        return Heard(success=False, answer=http_refusal(cause) if whole else f"409 {ANSWERS[cause].c_store:04X}")

    def _part(self, content: bytes) -> Heard:
        return self._post(content)

    def _post(self, content: bytes, **headers: str) -> Heard:
        sent = {"Authorization": "Bearer a-key-of-the-pacs-1234", "Content-Type": _KIND}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"http://127.0.0.1:{self._port}/dicomweb/studies"
        answer = httpx.post(url, content=_body(content), headers=sent, timeout=20, trust_env=False)
        return _heard(answer)

    def _undecodable(self) -> Heard:
        # Explicit VR Big Endian in the file meta information: retired, and never offered.
        return self._part(encoded(image()).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.2\0", 1))

    def _open(self, content: bytes) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port), timeout=15)
        head = (
            "POST /dicomweb/studies HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a-key-of-the-pacs-1234\r\n"
            f"Content-Type: {_KIND}\r\nContent-Length: 90000\r\n\r\n"
        )
        connection.sendall(head.encode() + content)
        return connection

    def _crowded(self) -> Heard:
        with self._open(b"--XX\r\n"):
            wait_until(lambda: not self.send_good().success, "the first request to be at work")
            return self.send_good()

    def _slow(self) -> Heard:
        with self._open(b"--XX\r\n") as connection:
            status = connection.recv(4096).split()[1].decode()
            return Heard(success=status == "200", answer=status)


_KIND = 'multipart/related; type="application/dicom"; boundary=XX'


def _body(content: bytes) -> bytes:
    return b"--XX\r\nContent-Type: application/dicom\r\n\r\n" + content + b"\r\n--XX--\r\n"


def _file_of(announced: Dataset, content: bytes) -> bytes:
    return encoded(announced)[: -len(data_set_bytes(announced))] + content


def _named(uid: str) -> bytes:
    made = image()
    content = encoded(made)
    new = uid.encode().ljust(len(str(made.SOPInstanceUID)), b"x")
    return content.replace(str(made.SOPInstanceUID).encode(), new)


def _heard(answer: httpx.Response) -> Heard:
    reasons = ""
    if answer.headers.get("content-type", "").startswith("application/dicom+json"):
        tree = answer.json()
        failed = [*tree.get("00081198", {}).get("Value", ()), *tree.get("0008119A", {}).get("Value", ())]
        reasons = "".join(f" {item['00081197']['Value'][0]:04X}" for item in failed)
    retry = " retry" if "retry-after" in answer.headers else ""
    return Heard(answer.status_code == 200, f"{answer.status_code}{retry}{reasons}")
