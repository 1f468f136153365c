"""What every C-STORE door promises, whoever implements it. DCMTK and pynetdicom are the senders."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, MRImageStorage
from pynetdicom import AE
from pynetdicom.sop_class import StorageCommitmentPushModel  # type: ignore[attr-defined]

from services.dicom_listener.handlers.admission import AdmissionRules
from services.dicom_listener.ports.inbox import Announced, Incoming, Stored
from services.dicom_listener.ports.services import ServiceCall
from shared.domain.errors import OutOfResourcesError
from shared.domain.refusals import Cause
from shared.phantoms.mr_series import StudyAttributes
from shared.testing.dicom import Sender, data_set_bytes, save_series, send_raw, small_series
from shared.testing.ports import wait_until
from tests.doors import Standing, permissive, stand

pytestmark = [
    pytest.mark.contract,
    pytest.mark.integration,
    pytest.mark.skipif(not Path("/usr/bin/storescu").exists(), reason="dcmtk is not installed"),
]


def _dcmtk(program: str, port: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [f"/usr/bin/{program}", "-v", "-aec", "ONCORELAY", "127.0.0.1", str(port), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def _content(stored: Stored) -> bytes:
    """Return the file behind a ``Stored``, read by its URI alone."""
    path, _, place = stored.uri.removeprefix("file://").partition("?")
    offset, length = (int(part.partition("=")[2]) for part in place.split("&"))
    return Path(path).read_bytes()[offset : offset + length]


def _data_set(content: bytes) -> bytes:
    return content[144 + int.from_bytes(content[140:144], "little") :]


def test_what_dcmsend_sends_is_stored_byte_for_byte_and_in_order(standing: Standing, tmp_path: Path) -> None:
    images = small_series(5)
    paths = save_series(images, tmp_path / "out")
    answer = _dcmtk("dcmsend", standing.port, *map(str, paths))

    assert answer.returncode == 0
    assert standing.ended() == [True]
    stored = standing.arrivals.objects()
    assert [one.announced.sop_instance_uid for one in stored] == [image.SOPInstanceUID for image in images]
    assert [_data_set(_content(one)) for one in stored] == [data_set_bytes(image) for image in images]


def test_storescu_and_its_fragments_of_4096_bytes_are_understood(standing: Standing, tmp_path: Path) -> None:
    (image,) = small_series(1)
    image.PixelData = bytes(range(256)) * 800
    (path,) = save_series([image], tmp_path / "out")
    answer = _dcmtk("storescu", standing.port, "--max-send-pdu", "4096", str(path))

    assert answer.returncode == 0
    (stored,) = standing.arrivals.objects()
    assert _data_set(_content(stored)) == data_set_bytes(image)


def test_the_stored_object_is_a_dicom_file_that_names_what_was_announced(standing: Standing) -> None:
    (image,) = small_series(1)
    standing.sender.send([image])
    (stored,) = standing.arrivals.objects()
    (standing.folder / "one.dcm").write_bytes(_content(stored))

    read = dcmread(standing.folder / "one.dcm")
    assert read.file_meta.MediaStorageSOPInstanceUID == image.SOPInstanceUID
    assert read.file_meta.TransferSyntaxUID == stored.announced.transfer_syntax
    assert stored.announced.sender == "PACS"


def test_an_object_larger_than_any_buffer_arrives_whole(standing: Standing) -> None:
    (image,) = small_series(1)
    image.PixelData = bytes(range(256)) * 40_000
    statuses = standing.sender.send([image])

    assert statuses == (0,)
    (stored,) = standing.arrivals.objects()
    assert _data_set(_content(stored)) == data_set_bytes(image)


def test_an_echo_is_answered_and_is_no_object(standing: Standing) -> None:
    assert _dcmtk("echoscu", standing.port).returncode == 0
    assert standing.ended() == [True]
    assert standing.arrivals.objects() == []


def test_success_comes_after_commit(kind: str, tmp_path: Path) -> None:
    inbox = SlowInbox()
    standing = stand(kind, tmp_path, inbox=inbox)
    try:
        association = standing.sender.associate(small_series(1))
        answered = threading.Event()

        def send() -> None:
            association.send_c_store(small_series(1)[0])
            answered.set()

        sender = threading.Thread(target=send)
        sender.start()
        assert inbox.committing.wait(10)
        assert not answered.wait(0.3)
        inbox.may_commit.set()
        assert answered.wait(10)
        sender.join()
        association.release()
    finally:
        standing.door.stop()


@pytest.mark.parametrize(
    ("cause", "status"),
    [(Cause.OUT_OF_SPACE, 0xA700), (Cause.STORE_UNREACHABLE, 0xA700), (Cause.INTERNAL, 0x0110)],
)
def test_a_gate_that_shuts_refuses_the_next_object_by_its_cause(cause: Cause, status: int, standing: Standing) -> None:
    images = small_series(3)
    association = standing.sender.associate(images)
    first = association.send_c_store(images[0]).Status
    standing.gate.cause = cause
    second = association.send_c_store(images[1]).Status
    standing.gate.cause = None
    third = association.send_c_store(images[2]).Status
    association.release()

    assert (first, second, third) == (0, status, 0)
    standing.ended()
    assert [call[0] for call in standing.arrivals.calls] == ["opened", "stored", "refused", "stored", "ended"]


@pytest.mark.parametrize("where", ["begin", "room", "commit"])
def test_a_disk_that_refuses_is_out_of_resources_and_the_next_object_is_taken(
    where: str, kind: str, tmp_path: Path
) -> None:
    inbox = SlowInbox(refuse=where)
    inbox.may_commit.set()
    standing = stand(kind, tmp_path, inbox=inbox)
    try:
        images = small_series(2)
        association = standing.sender.associate(images)
        refused = association.send_c_store(images[0]).Status
        inbox.refuse = ""
        taken = association.send_c_store(images[1]).Status
        association.release()
        standing.ended()
    finally:
        standing.door.stop()

    assert (refused, taken) == (0xA700, 0)
    assert standing.arrivals.named("refused") == [("refused", 1, Cause.OUT_OF_SPACE)]


def test_an_object_that_is_not_the_announced_one_is_refused(standing: Standing) -> None:
    images = small_series(2)
    association = standing.sender.associate(images)
    status = send_raw(association, images[0], data_set_bytes(images[1])).Status
    association.release()

    assert status == 0xA900
    assert standing.arrivals.objects() == []


def test_an_object_of_another_class_than_announced_is_refused(standing: Standing) -> None:
    (image,) = small_series(1)
    (other,) = small_series(1)
    other.SOPClassUID = CTImageStorage
    association = standing.sender.associate([image])
    status = send_raw(association, image, data_set_bytes(other)).Status
    association.release()

    assert status == 0xA900


@pytest.mark.parametrize("content", [b"GIF89a, and nothing of a data set" * 3, b"\x08\x00\x05\x00CS\xff\x00ISO"])
def test_what_is_no_data_set_cannot_be_understood(content: bytes, standing: Standing) -> None:
    (image,) = small_series(1)
    association = standing.sender.associate([image])
    answer = send_raw(association, image, content)
    association.release()

    assert (answer.Status, answer.ErrorComment) == (0xC000, "unreadable")
    assert standing.arrivals.named("refused") == [("refused", 1, Cause.UNREADABLE)]


def test_a_cut_between_objects_keeps_what_was_acknowledged(standing: Standing) -> None:
    images = small_series(2)
    association = standing.sender.associate(images)
    association.send_c_store(images[0])
    association.abort()

    assert standing.ended() == [False]
    assert len(standing.arrivals.objects()) == 1


def test_a_cut_within_an_object_leaves_nothing(standing: Standing, tmp_path: Path) -> None:
    (image,) = small_series(1)
    image.PixelData = bytes(64 << 20)
    (path,) = save_series([image], tmp_path / "out")
    command = ["/usr/bin/storescu", "-aec", "ONCORELAY", "127.0.0.1", str(standing.port), str(path)]
    with subprocess.Popen(command) as sender:
        wait_until(lambda: bool(standing.arrivals.named("opened")), "the association", poll_s=0.001)
        sender.kill()

    assert standing.ended() == [False]
    assert standing.arrivals.objects() == []
    assert not list((standing.folder / "segments").glob("*.seg"))
    wait_until(lambda: not _spooled(standing), "the spool to be empty")


def _spooled(standing: Standing) -> list[Path]:
    return list(standing.settings.spool_folder.glob("*"))


@pytest.mark.parametrize(
    ("called", "calling", "reason"),
    [
        ("SOMEBODY", "PACS", "Called AE Title Not Recognized"),
        ("ONCORELAY", "NOBODY", "Calling AE Title Not Recognized"),
    ],
)
def test_a_title_that_is_not_listed_is_rejected_for_that_reason(
    called: str, calling: str, reason: str, standing: Standing
) -> None:
    assert reason in _rejection(standing, called, calling)
    assert standing.arrivals.calls == []


def test_one_association_too_many_is_rejected_as_transient(kind: str, tmp_path: Path) -> None:
    rules = replace(permissive(), max_associations=1)
    standing = stand(kind, tmp_path, rules=rules, max_associations=1)
    try:
        association = standing.sender.associate(small_series(1))
        rejected = _rejection(standing)
        association.release()
        standing.ended()
        wait_until(lambda: _dcmtk("echoscu", standing.port).returncode == 0, "the place to be free again")
    finally:
        standing.door.stop()

    assert "Rejected Transient" in rejected
    assert "Local Limit Exceeded" in rejected


@pytest.mark.parametrize("rule", ["address", "rate", "sender", "gate"])
def test_who_may_not_come_in_now_tells_nobody_of_an_association(rule: str, kind: str, tmp_path: Path) -> None:
    standing = stand(kind, tmp_path, rules=_strict(rule))
    try:
        held = standing.sender.associate(small_series(1)) if rule in ("rate", "sender") else None
        if rule == "gate":
            standing.gate.cause = Cause.OUT_OF_SPACE
        answer = _dcmtk("echoscu", standing.port, "-aet", "PACS")
        if held:
            held.release()
    finally:
        standing.door.stop()

    said = answer.stdout + answer.stderr
    assert "Received Echo Response (Success)" not in said  # echoscu ends with 0 even where it was aborted
    assert len(standing.arrivals.named("opened")) == bool(held)
    if kind == "own":  # the reference can only abort
        assert _REASONS[rule] in said


_REASONS = {
    "address": "Rejected Permanent",
    "rate": "Local Limit Exceeded",
    "sender": "Local Limit Exceeded",
    "gate": "Temporary Congestion",
}


def _strict(rule: str) -> AdmissionRules:
    changes: dict[str, dict[str, object]] = {
        "address": {"networks": (ip_network("10.0.0.0/8"),)},
        "rate": {"per_minute": 1},
        "sender": {"max_per_sender": 1},
        "gate": {},
    }
    return replace(permissive(), **changes[rule])  # type: ignore[arg-type]


def _rejection(standing: Standing, called: str = "ONCORELAY", calling: str = "PACS") -> str:
    command = ["/usr/bin/echoscu", "-v", "-aec", called, "-aet", calling, "127.0.0.1", str(standing.port)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=30)
    return answer.stdout + answer.stderr


def test_what_is_not_offered_is_rejected_context_by_context(standing: Standing) -> None:
    entity = AE("PACS")
    entity.add_requested_context("1.2.3.4.5.6")
    entity.add_requested_context(MRImageStorage, "1.2.840.10008.1.2.2")
    entity.add_requested_context(CTImageStorage)
    association = entity.associate("127.0.0.1", standing.port, ae_title="ONCORELAY")
    results = {context.abstract_syntax: context.result for context in association.rejected_contexts}
    association.release()

    assert results == {"1.2.3.4.5.6": 3, MRImageStorage: 4}


def test_an_object_beyond_the_limit_aborts_the_association(kind: str, tmp_path: Path) -> None:
    standing = stand(kind, tmp_path, max_object_bytes=1 << 20)
    try:
        (image,) = small_series(1)
        image.PixelData = bytes(3 << 20)
        status = standing.sender.associate([image]).send_c_store(image)
        assert "Status" not in status
        assert standing.ended() == [False]
        assert standing.sender.send(small_series(1)) == (0,)
    finally:
        standing.door.stop()


def test_many_associations_at_once_lose_nothing(standing: Standing) -> None:
    series = [small_series(5, study=StudyAttributes(seed=f"study {number}")) for number in range(8)]
    threads = [threading.Thread(target=Sender(standing.port).send, args=(images,)) for images in series]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert standing.ended(8) == [True] * 8
    by_association: dict[int, list[str]] = {}
    for stored in standing.arrivals.objects():
        by_association.setdefault(stored.announced.association, []).append(stored.announced.sop_instance_uid)
    assert sorted(by_association.values()) == sorted([image.SOPInstanceUID for image in images] for images in series)


def test_stopping_waits_for_an_open_association_and_then_aborts_it(standing: Standing) -> None:
    images = small_series(1)
    association = standing.sender.associate(images)
    association.send_c_store(images[0])
    standing.door.stop()

    assert standing.ended() == [False]
    wait_until(lambda: association.is_aborted, "the sender to know")
    assert len(standing.arrivals.objects()) == 1


def test_a_request_of_a_plugged_in_service_reaches_it(kind: str, tmp_path: Path) -> None:
    service = Commitment()
    standing = stand(kind, tmp_path, services=(service,))
    request = Dataset()
    request.TransactionUID = "1.2.3"
    try:
        entity = AE("PACS")
        entity.add_requested_context(StorageCommitmentPushModel)
        association = entity.associate("127.0.0.1", standing.port, ae_title="ONCORELAY")
        instance = "1.2.840.10008.1.20.1.1"
        status, _ = association.send_n_action(request, 1, StorageCommitmentPushModel, instance)
        association.release()
    finally:
        standing.door.stop()

    (call,) = service.calls
    assert status.Status == 0x0112
    assert (call.command.number, call.command.sop_instance_uid, call.sender) == (1, instance, "PACS")
    assert b"1.2.3" in call.data_set


@dataclass
class Commitment:
    """Remembers requests."""

    calls: list[ServiceCall] = field(default_factory=list)
    abstract_syntaxes: tuple[str, ...] = (str(StorageCommitmentPushModel),)

    def handle(self, call: ServiceCall) -> int:
        self.calls.append(call)
        return 0x0112


@dataclass
class SlowInbox:
    """An inbox in memory whose commit a test holds back, or that refuses at one step."""

    refuse: str = ""
    committing: threading.Event = field(default_factory=threading.Event)
    may_commit: threading.Event = field(default_factory=threading.Event)

    def open(self, association: int, sender: str) -> SlowInbox:
        return self

    def begin(self, announced: Announced) -> Incoming:
        self.check("begin")
        return SlowIncoming(self, announced)

    def close(self) -> None:
        pass

    def check(self, step: str) -> None:
        if self.refuse == step:
            raise OutOfResourcesError("the disk is full")


@dataclass
class SlowIncoming:
    inbox: SlowInbox
    announced: Announced
    content: bytearray = field(default_factory=bytearray)
    last: bytearray = field(default_factory=bytearray)

    def room(self, size: int) -> memoryview:
        self.inbox.check("room")
        self.last = bytearray(size)
        return memoryview(self.last)

    def filled(self, count: int) -> None:
        self.content += self.last[:count]

    def head(self) -> memoryview:
        return memoryview(bytes(self.content))

    def commit(self) -> Stored:
        self.inbox.check("commit")
        self.inbox.committing.set()
        assert self.inbox.may_commit.wait(10)
        return Stored(self.announced, "memory:", "memory", len(self.content))

    def discard(self) -> None:
        self.content.clear()
