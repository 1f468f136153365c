"""Storage commitment: taken durably, answered when judged, told until heard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from services.dicom_listener.adapters.catalogue import JournaledCatalogue, open_catalogue
from services.dicom_listener.adapters.commitment_service import CommitmentService
from services.dicom_listener.formats.commitment import (
    PUSH_MODEL,
    PUSH_MODEL_INSTANCE,
    encoded_request,
    event_information,
    event_type,
)
from services.dicom_listener.handlers.commitment import ReportCommitments, RequestCommitment
from services.dicom_listener.ports.commitment import CommitmentReport, Reference, ReportRefusedError
from services.dicom_listener.ports.records import InstanceQuarantined, InstanceStored, OwnOutputSeen
from services.dicom_listener.ports.services import Command, ServiceCall
from shared.domain.errors import UnavailableError
from shared.domain.refusals import Cause

MR = "1.2.840.10008.5.1.4.1.1.4"
T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
HERE, OTHER = Reference(MR, "1.2.1"), Reference(MR, "1.2.2")


def stored(reference: Reference) -> InstanceStored:
    uid = reference.sop_instance_uid
    return InstanceStored(uid, 1, MR, "1.9", "1.8", "MR", "c", "i", f"file:///{uid}", "PACS", T0.isoformat())


@dataclass
class Requestor:
    reports: list[tuple[str, CommitmentReport]] = field(default_factory=list)
    deaf: bool = False
    refuses: dict[str, bool] = field(default_factory=dict)
    """Transaction -> whether for good."""

    def report(self, requestor: str, report: CommitmentReport) -> None:
        if self.deaf:
            raise UnavailableError("no answer")
        if report.transaction_uid in self.refuses:
            raise ReportRefusedError("answered 0x0110", for_good=self.refuses[report.transaction_uid])
        self.reports.append((requestor, report))


class Scene:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seconds = 100.0
        self.waiting: float | None = None
        self.missing_files: set[str] = set()
        self.peer = Requestor()
        self.open()

    def open(self) -> None:
        self.catalogue: JournaledCatalogue = open_catalogue(self.folder)
        self.request = RequestCommitment(self.catalogue, frozenset({"PACS"}), self.now)
        self.report = ReportCommitments(
            self.catalogue, self.peer, lambda uri: uri not in self.missing_files, lambda: self.waiting,
            self.now, lambda: self.seconds, wait_s=30, give_up_s=3600,
        )  # fmt: skip

    def restart(self) -> None:
        self.catalogue.close()
        self.open()

    def now(self) -> datetime:
        return T0 + timedelta(seconds=self.seconds)

    def pass_time(self, seconds: float) -> None:
        self.seconds += seconds
        self.report()

    def failures(self) -> dict[str, Cause]:
        ((_, report),) = self.peer.reports
        return {reference.sop_instance_uid: cause for reference, cause in report.failed}


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    scene.catalogue.close()


def test_what_is_a_member_and_on_disk_is_committed(scene: Scene) -> None:
    scene.catalogue.record(stored(HERE))

    assert scene.request("PACS", "1.5", [HERE]) is None
    scene.report()

    assert scene.peer.reports == [("PACS", CommitmentReport("1.5", (HERE,), ()))]
    assert scene.catalogue.due_commitment_keys() == ()


def test_a_request_survives_a_crash(scene: Scene) -> None:
    scene.catalogue.record(stored(HERE))
    scene.request("PACS", "1.5", [HERE])

    scene.restart()
    (scene.folder / "index.sqlite").rename(scene.folder / "gone")
    scene.restart()
    scene.report()

    assert len(scene.peer.reports) == 1


def test_everything_else_fails_with_its_reason(scene: Scene) -> None:
    clash, lost, ours = Reference(MR, "1.2.3"), Reference(MR, "1.2.4"), Reference(MR, "1.2.5")
    scene.catalogue.record(stored(HERE), stored(clash), stored(lost))
    scene.catalogue.record(
        InstanceQuarantined("q", "dicom_uid_clash", "text", T0.isoformat(), clash.sop_instance_uid, "1.9")
    )
    scene.catalogue.record(OwnOutputSeen(ours.sop_instance_uid, "1.9", T0.isoformat()))
    scene.missing_files.add("file:///1.2.4")
    wrong_class = Reference("1.2.840.10008.5.1.4.1.1.2", "1.2.1")

    scene.request("PACS", "1.5", [wrong_class, OTHER, clash, lost, ours])
    scene.report()

    assert scene.failures() == {
        "1.2.1": Cause.CLASS_CONFLICT,
        "1.2.2": Cause.NO_SUCH_OBJECT,
        "1.2.3": Cause.INTERNAL,
        "1.2.4": Cause.INTERNAL,
        "1.2.5": Cause.NO_SUCH_OBJECT,
    }


def test_objects_that_wait_to_be_judged_are_waited_for(scene: Scene) -> None:
    scene.waiting = 90.0
    scene.request("PACS", "1.5", [HERE])

    scene.pass_time(1)
    assert scene.peer.reports == []
    scene.catalogue.record(stored(HERE))
    scene.pass_time(1)

    assert scene.peer.reports[0][1].failed == ()


def test_the_wait_is_bounded_and_ends_when_nothing_older_waits(scene: Scene) -> None:
    scene.waiting = 90.0
    scene.request("PACS", "1.5", [HERE])
    scene.report()
    scene.pass_time(29)
    assert scene.peer.reports == []
    scene.pass_time(2)
    assert scene.failures() == {"1.2.1": Cause.NO_SUCH_OBJECT}

    scene.request("PACS", "1.6", [HERE])
    scene.waiting = scene.seconds + 5  # it came after the request
    scene.report()
    assert len(scene.peer.reports) == 2


@pytest.mark.parametrize(
    ("requestor", "transaction", "references", "cause"),
    [
        ("STRANGER", "1.5", [HERE], Cause.CALLER_UNKNOWN),
        ("PACS", "", [HERE], Cause.INVALID_VALUE),
        ("PACS", "no uid", [HERE], Cause.INVALID_VALUE),
        ("PACS", "1.5", [], Cause.INVALID_VALUE),
        ("PACS", "1.5", [Reference(MR, "")], Cause.INVALID_VALUE),
        ("PACS", "1.5", [HERE] * 100_001, Cause.TOO_LARGE),
    ],
)
def test_what_cannot_be_answered_is_refused(
    scene: Scene, requestor: str, transaction: str, references: list[Reference], cause: Cause
) -> None:
    assert scene.request(requestor, transaction, references) is cause
    assert scene.catalogue.due_commitment_keys() == ()


def test_the_same_request_twice_is_reported_once_and_another_content_is_a_conflict(scene: Scene) -> None:
    assert scene.request("PACS", "1.5", [HERE]) is None
    assert scene.request("PACS", "1.5", [HERE]) is None
    assert scene.request("PACS", "1.5", [OTHER]) is Cause.CONFLICT
    scene.report()

    assert len(scene.peer.reports) == 1


def test_a_request_repeated_after_its_report_is_reported_again(scene: Scene) -> None:
    for _ in range(2):
        scene.request("PACS", "1.5", [HERE])
        scene.report()

    assert len(scene.peer.reports) == 2


def test_a_deaf_requestor_is_tried_until_a_person_is_told(scene: Scene) -> None:
    scene.peer.deaf = True
    scene.request("PACS", "1.5", [HERE])

    scene.report()
    scene.peer.deaf = False
    scene.pass_time(0.1)
    assert scene.peer.reports == []  # it is being waited
    scene.peer.deaf = True
    scene.pass_time(1000)
    scene.pass_time(3000)

    assert scene.catalogue.due_commitment_keys() == ()
    assert [notice.kind for notice in scene.catalogue.due_notices()] == ["commitment_not_reported"]


def test_a_requestor_that_comes_back_is_told(scene: Scene) -> None:
    scene.peer.deaf = True
    scene.request("PACS", "1.5", [HERE])
    scene.report()
    scene.peer.deaf = False

    scene.pass_time(60)

    assert len(scene.peer.reports) == 1


def test_the_event_says_what_failed_and_why() -> None:
    report = CommitmentReport("1.5", (HERE,), ((OTHER, Cause.NO_SUCH_OBJECT),))

    information = event_information(report)

    assert event_type(report) == 2
    assert event_type(CommitmentReport("1.5", (HERE,), ())) == 1
    assert information.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "1.2.1"
    assert information.FailedSOPSequence[0].FailureReason == 0x0112


def encoded(information: Dataset, *, implicit: bool) -> bytes:
    stream = DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = implicit, True
    write_dataset(stream, information)
    return stream.getvalue()


def call(data_set: bytes, *, action: int = 1, instance: str = PUSH_MODEL_INSTANCE, syntax: str) -> ServiceCall:
    command = Command(0x0130, 1, True, PUSH_MODEL, instance, action)
    return ServiceCall(command, PUSH_MODEL, syntax, "PACS", 1, data_set)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])
def test_the_request_is_read_from_the_wire(scene: Scene, syntax: str) -> None:
    service = CommitmentService(scene.request)
    data_set = encoded(encoded_request("1.5", [HERE, OTHER]), implicit=syntax == "1.2.840.10008.1.2")

    assert service.handle(call(data_set, syntax=syntax)) == 0
    assert service.handle(call(data_set, syntax=syntax, action=2)) == 0x0123
    assert service.handle(call(data_set, syntax=syntax, instance="1.2.3")) == 0x0112
    assert service.handle(call(data_set[:-3], syntax=syntax)) == 0x0115
    assert service.handle(call(b"", syntax=syntax)) == 0x0115

    known = scene.catalogue.commitment("PACS", "1.5")
    assert known
    assert known[0].references == ((MR, "1.2.1"), (MR, "1.2.2"))


def test_a_report_that_is_refused_holds_up_no_other(scene: Scene) -> None:
    scene.catalogue.record(stored(HERE))
    scene.peer.refuses = {"1.5": False}
    for transaction in ("1.5", "1.6", "1.7"):
        scene.request("PACS", transaction, [HERE])
    scene.report()

    assert [report.transaction_uid for _, report in scene.peer.reports] == ["1.6", "1.7"]
    assert [key[1] for key in scene.catalogue.due_commitment_keys()] == ["1.5"]
    assert scene.catalogue.due_notices() == ()


def test_a_report_that_is_refused_for_good_is_told_to_a_person_at_once(scene: Scene) -> None:
    scene.catalogue.record(stored(HERE))
    scene.peer.refuses = {"1.5": True}
    scene.request("PACS", "1.5", [HERE])
    scene.report()

    assert scene.catalogue.due_commitment_keys() == ()
    (notice,) = scene.catalogue.due_notices()
    assert "no later try" in notice.text
