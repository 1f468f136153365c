"""No patient in the machinery (part 10 of the first promise): a canary goes through everything, and nothing sings.

Logs, metrics, health, traces, Redis with its file, arguments of processes, URLs that the EHR was asked, and the names
of files and folders are searched. What holds the patient by design (objects, journal, ledger, facts) is searched by
name only.
"""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID

from services.cli.demo.site import OUR_TITLE
from shared.testing.dicom import Sender
from shared.testing.ports import wait_until
from tests.canary import Canary, find
from tests.e2e.conftest import Watched
from tests.system import SERVICES, System

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


class Names:
    """Watches names below folders while the canary is on its way: what lives for a moment only is seen as well."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seen, self._stop = folder, set[str](), threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            # Also where a library would put what it was not told to put elsewhere.
            self.seen.update(one.name for one in Path(tempfile.gettempdir()).iterdir())
            for _, folders, files in os.walk(self.folder):
                self.seen.update(folders, files)

    def __enter__(self) -> Names:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def canary() -> Canary:
    return Canary()


def test_a_patient_goes_through_everything_and_leaves_no_trace_in_the_machinery(
    watched: Watched, canary: Canary
) -> None:
    system = watched.system
    with Names(system.folder) as names, _monitored(system) as commands:
        _everything_that_works(watched, canary)
        _everything_that_is_broken(watched, canary)
        _crash(system, canary)
        arguments = _arguments(system)

    searched = {
        **_logs(system),
        **{f"metrics of {one}": system.ops(one, "/metrics").content for one in SERVICES},
        **{f"health of {one}": system.ops(one, "/health/ready").content for one in SERVICES},
        "traces": b"\n".join(watched.collector.bodies),
        "redis": _redis(system),
        "redis commands": b"\n".join(commands),
        "arguments": arguments,
        "names": "\n".join(names.seen).encode(),
        "URLs the EHR was asked": "\n".join(system.ehr.asked()).encode(),
    }
    assert all(len(content) > 50 for content in searched.values()), {k: len(v) for k, v in searched.items()}
    assert len(canary.words) > 50
    forms = canary.forms()
    assert {place: leaks for place, content in searched.items() if (leaks := find(forms, content))} == {}


@pytest.mark.parametrize(
    "form",
    [
        lambda word: word, str.lower, lambda word: base64.b64encode(f"a{word}b".encode()).decode(),
        lambda word: word.encode().hex(), lambda word: "".join(f"%{ord(c):02X}" for c in word), lambda word: word[:16],
        lambda word: f"^{word}^", lambda word: word.encode("utf-16-le").decode("latin-1"),
    ],
)  # fmt: skip
def test_the_search_finds_a_planted_word_in_any_form(form: object, canary: Canary) -> None:
    assert callable(form)
    planted = form(canary.word("PatientName family"))

    assert find(canary.forms(), f'{{"event": "x", "y": "{planted}"}}'.encode("latin-1")) == {"PatientName family"}


def test_a_planted_leak_in_a_running_system_is_found(system: System, canary: Canary) -> None:
    word = canary.identifier
    log = system.folder / "logs" / "planted.log"
    log.write_text(f'{{"event": "planted", "patient": "{word}"}}')
    client = system.redis()
    client.set("planted", word)
    try:
        assert {place for place, text in _logs(system).items() if find(canary.forms(), text)} == {"log planted.log"}
        assert find(canary.forms(), _redis(system)) == {"PatientID"}
    finally:
        log.unlink()
        client.delete("planted")


def _everything_that_works(watched: Watched, canary: Canary) -> None:
    system = watched.system
    system.record(*canary.facts())
    system.route(canary.images())
    system.settled(canary.study_uid, "predicted", timeout_s=60)
    by_http = canary.images(seed=canary.word("STOW seed"))
    assert _stow(watched, *map(_encoded, by_http)).status_code == 200
    system.settled(str(by_http[0].StudyInstanceUID), "predicted", timeout_s=60)
    corrected = next(row for row in canary.facts() if row["id"].startswith("er-"))
    corrected |= {
        "status": "corrected",
        **canary.ehr.estrogen_receptor("negative", "2026-01-10"),
        "note": [{"text": canary.word("amended note")}],
    }
    system.record(corrected)
    system.settled(canary.study_uid, "predicted", findings=2, timeout_s=60)


def _everything_that_is_broken(watched: Watched, canary: Canary) -> None:
    system = watched.system
    _dead_letter(system, canary)
    _broken_images(system, canary)
    _broken_parts(watched, canary)
    _broken_resources(system, canary)


def _broken_images(system: System, canary: Canary) -> None:
    """Refused, quarantined, in conflict: nothing of it is told by name."""
    other_birth = canary.images(birth_date=date(1950, 1, 1), seed=canary.word("conflict seed"))
    system.send(other_birth)
    wait_until(lambda: bool(system.details(str(other_birth[0].StudyInstanceUID))), "the conflict", timeout_s=30)
    (clash, *_) = canary.images()
    clash.ImageComments = canary.word("clash")
    clash.PixelData = bytes(len(clash.PixelData))
    unplaced = canary.images()[0]
    unplaced.SOPInstanceUID = unplaced.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3.4.5")
    del unplaced.StudyInstanceUID
    bad_values = canary.images()[1]
    bad_values.SOPInstanceUID = bad_values.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3.4.6")
    bad_values.add_new("PatientBirthDate", "LO", canary.word("bad birth date"))
    bad_values.add_new("Rows", "LO", canary.word("bad rows"))
    _send_unchecked(system, [clash, unplaced, bad_values])
    with socket.create_connection(("127.0.0.1", system.ports.dicom)) as probe:
        probe.sendall(f"GET /?{canary.word('probe')} HTTP/1.1\r\n\r\n".encode())


def _encoded(image: Dataset) -> bytes:
    stream = BytesIO()
    image.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _stow(watched: Watched, *files: bytes, path: str = "/studies", **headers: str) -> httpx.Response:
    parts = [b"--XX\r\nContent-Type: application/dicom\r\n\r\n" + file + b"\r\n" for file in files]
    kind = 'multipart/related; type="application/dicom"; boundary=XX'
    sent = {"Authorization": f"Bearer {watched.system.token}", "Content-Type": kind, **headers}
    return httpx.post(watched.stow + path, content=b"".join(parts) + b"--XX--\r\n", headers=sent, timeout=30)


def _send_unchecked(system: System, images: list[Dataset]) -> None:
    """Send what may be refused; whatever is answered."""
    association = Sender(system.ports.dicom, calling="MODALITY", called=OUR_TITLE).associate(images)
    for image in images:
        with contextlib.suppress(Exception):  # the point is what the other side writes down, not what it answers
            association.send_c_store(image)
    association.release()


def _broken_parts(watched: Watched, canary: Canary) -> None:
    word = canary.word
    good = _encoded(canary.images()[0])
    sent = [
        _stow(watched, good[: len(good) // 2]),
        _stow(watched, word("STOW rubbish").encode()),
        _stow(watched, good, path=f"/studies/{word('STOW study')}"),
        _stow(watched, good, path=f"/studies?PatientName={word('STOW query')}"),
        _stow(watched, good, Authorization=f"Bearer {word('STOW token')}"),
        _stow(watched, good, **{"Content-Type": f"multipart/related; boundary={word('STOW boundary')}"}),
        _stow(watched, good, **{"Content-Location": word("STOW header")}),
    ]
    assert sum(answer.is_error for answer in sent) >= 4


def _broken_resources(system: System, canary: Canary) -> None:
    word = canary.word
    patient, observation = canary.patient(), canary.facts()[2]
    broken = [
        {**patient, "birthDate": word("bad birthDate")},
        {**patient, "id": word("bad id")},
        {**patient, "gender": word("bad gender")},
        {**patient, "name": word("bad name")},
        {**patient, word("unknown key"): 1},
        {**observation, "status": word("bad status")},
        {**observation, "effectiveDateTime": word("bad time")},
        {**observation, "subject": {"reference": f"Patient/{word('bad subject')}"}},
        {**observation, "subject": {"display": word("display only")}},
        {**observation, "valueCodeableConcept": {"text": word("bad value")}},
        {**observation, "code": {"coding": [{"system": "http://loinc.org", "code": word("bad code")}]}},
        {"resourceType": "Bundle", "type": word("bundle type"), "entry": []},
        {"resourceType": "Bundle", "type": "transaction", "entry": [
            {"fullUrl": word("fullUrl"), "resource": patient, "request": {"method": "PUT", "url": word("request url")}},
        ]},
    ]  # fmt: skip
    for resource in broken:
        system.post(resource)
    base = f"http://127.0.0.1:{system.ports.http}/fhir"
    headers = {"Authorization": f"Bearer {system.token}", "Content-Type": "application/fhir+json"}
    httpx.post(f"{base}/Patient", content=f'{{"resourceType": "Patient", "{word("cut json")}'.encode(), headers=headers)
    httpx.post(f"{base}/Patient?name={word('query')}", json=patient, headers={**headers, "X-Patient": word("header")})
    httpx.put(f"{base}/{word('path type')}/{word('path id')}", json=patient, headers=headers)
    httpx.post(f"{base}/Patient", json=patient, headers={**headers, "Authorization": f"Bearer {word('token')}"})
    httpx.post(f"{base}/Patient", content=b"x", headers={**headers, "Content-Type": f"text/{word('media type')}"})
    httpx.get(f"http://127.0.0.1:{system.ports.http}/{word('unknown path')}")
    for service in SERVICES:
        system.ops(service, f"/metrics/{word('ops path')}?{word('ops query')}")


def _dead_letter(system: System, canary: Canary) -> None:
    """The EHR refuses for good: what it says about it goes no further."""
    system.ehr.fail_next(403, 1)
    corrected = {**canary.ehr.her2("0", "2026-01-10"), "status": "corrected", "note": [{"text": canary.word("late")}]}
    assert system.post(corrected).is_success
    detail = system.settled(canary.study_uid, "predicted", findings=3, timeout_s=60)
    assert "dead_letter" in {one.state for one in detail.deliveries}


def _crash(system: System, canary: Canary) -> None:
    """A worker dies, and the listener, with the canary in their hands."""
    system.kill("inference")
    system.kill("dicom_listener")
    system.revive("dicom_listener")
    system.revive("inference")
    for resource in canary.facts():
        system.post(resource)
    images = canary.images(seed=canary.word("second seed"))
    system.send(images)
    system.settled(str(images[0].StudyInstanceUID), "predicted", timeout_s=60)


def _logs(system: System) -> dict[str, bytes]:
    return {f"log {path.name}": path.read_bytes() or b" " * 99 for path in (system.folder / "logs").iterdir()}


def _redis(system: System) -> bytes:
    """Return every key and value, and the append-only file: what was ever there."""
    client = system.redis()
    found = [b"redis:" + bytes(60)]
    for key in client.keys("*"):
        found += [key, client.dump(key) or b""]
        kind = client.type(key)
        if kind == b"hash":
            found += [part for pair in client.hgetall(key).items() for part in pair]
        elif kind == b"list":
            found += client.lrange(key, 0, -1)
        elif kind == b"string":
            found.append(client.get(key) or b"")
    client.close()
    files = [path for path in (system.folder / "redis").rglob("*") if path.is_file()]
    return b"\n".join(found + [path.read_bytes() for path in files])


@contextlib.contextmanager
def _monitored(system: System) -> Iterator[list[bytes]]:
    """Listen to every command Redis is sent: orders are there for a moment only."""
    seen: list[bytes] = []
    with socket.create_connection(("127.0.0.1", system.ports.redis)) as line:
        password = (system.folder / "secrets" / "redis.password").read_text().strip()
        line.sendall(f"AUTH {password}\r\nMONITOR\r\n".encode())

        def read() -> None:
            with contextlib.suppress(OSError):
                while chunk := line.recv(65536):
                    seen.append(chunk)

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        yield seen
        line.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    # Values are shown escaped; a body in base64 (as kombu sends it) is shown as it is.
    assert b"inference.run_case" in b"".join(seen)


def _arguments(system: System) -> bytes:
    """Return command lines of all our processes and their children."""
    groups = {child.process.pid for child in system.supervisor.children.values()}
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(one.name)) in groups:
                found.append((one / "cmdline").read_bytes().replace(b"\0", b" "))
    return b"\n".join(found)
