"""Completeness by evidence, and what is sent when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.dicom_listener.adapters.catalogue import JournaledCatalogue, open_catalogue
from services.dicom_listener.adapters.journal import JournalWriter
from services.dicom_listener.handlers.judge import JudgeStudies
from services.dicom_listener.handlers.judging import resume_unfinished
from services.dicom_listener.handlers.outbox import Backoff, EmptyOutbox
from services.dicom_listener.handlers.watch import StudyWatch
from services.dicom_listener.ports.peers import CountAtSender, InstanceCount
from services.dicom_listener.ports.records import InstanceStored, NoticeRaised, OwnOutputSeen
from shared.domain.errors import (
    InvalidInputError,
    OncoRelayError,
    OutOfResourcesError,
    PermanentError,
    UnavailableError,
)
from shared.domain.identity import IdentityMap
from shared.domain.study import Study

TIME = "2026-01-15T10:00:00+00:00"
ONE = InstanceStored("1.1", 1, "1.2.840", "1.9", "1.8", "MR", "c1", "i1", "file:///x", "PACS", TIME)
TWO = replace(ONE, sop_instance_uid="1.2")


@dataclass
class Archive:
    holds: int = 0
    ours: int = 0
    up: bool = True
    asked: int = 0

    def count(self, study_instance_uid: str, held: int) -> CountAtSender:
        self.asked += 1
        if not self.up:
            raise UnavailableError("down")
        return CountAtSender(self.holds, self.ours)


@dataclass
class Ledger:
    studies: list[tuple[str, Study]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    error: OncoRelayError | None = None
    notice_error: OncoRelayError | None = None

    def submit_case(self, request_id: str, study: Study) -> tuple[str, ...]:
        if self.error:
            raise self.error
        self.studies.append((request_id, study))
        return ("case-1",)

    def report_notice(self, request_id: str, kind: str, text: str, case_id: str = "") -> str:
        if self.notice_error:
            raise self.notice_error
        self.notices.append(kind)
        return "1"


@dataclass
class Glasses:
    """Slide ingestion."""

    studies: list[str] = field(default_factory=list)
    error: OncoRelayError | None = None

    def submit_study(self, request_id: str, study: Study) -> int:
        if self.error:
            raise self.error
        self.studies.append(study.study_instance_uid)
        return 1


class Desk:
    """A judge and an outbox with a clock that a test moves."""

    def __init__(self, catalogue: JournaledCatalogue, counts: dict[str, InstanceCount] | None = None) -> None:
        self.now = 100.0
        self.catalogue = catalogue
        self.watch = StudyWatch(lambda: self.now)
        self.ledger = Ledger()
        stamp = datetime(2026, 1, 15, tzinfo=UTC)
        ticks = lambda: self.now  # noqa: E731
        self.judge = JudgeStudies(self.watch, catalogue, counts or {}, 1.0, 60.0, lambda: stamp, ticks)
        self.outbox = EmptyOutbox(catalogue, self.ledger, IdentityMap(()), lambda: stamp, Backoff(ticks))

    def bring(self, association: int, *instances: InstanceStored, released: bool = True) -> None:
        self.watch.opened(association, "PACS")
        for instance in instances:
            if self.catalogue.current(instance.sop_instance_uid) != instance:
                self.catalogue.record(instance)
            self.watch.arrived(association, instance.study_instance_uid)
        self.watch.ended(association, released=released)

    def after(self, seconds: float) -> list[str]:
        """Let time pass; return the evidence of everything submitted so far."""
        self.now += seconds
        self.judge()
        self.outbox()
        return [study.completeness.evidence.value for _, study in self.ledger.studies]


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[JournaledCatalogue]:
    opened = open_catalogue(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def archive() -> Archive:
    return Archive()


@pytest.fixture
def desk(catalogue: JournaledCatalogue) -> Desk:
    return Desk(catalogue)


@pytest.fixture
def asking(catalogue: JournaledCatalogue, archive: Archive) -> Desk:
    return Desk(catalogue, {"PACS": archive})


def test_a_released_association_is_evidence_after_the_pause(desk: Desk) -> None:
    desk.bring(1, ONE)

    assert desk.after(0.5) == []
    assert desk.after(0.6) == ["association_released"]


def test_a_cut_association_waits_for_quiet(desk: Desk) -> None:
    desk.bring(1, ONE, released=False)

    assert desk.after(59) == []
    assert desk.after(2) == ["quiet_time"]


def test_the_same_study_again_is_not_submitted_again(desk: Desk) -> None:
    desk.bring(1, ONE, TWO)
    desk.after(2)
    desk.bring(2, ONE, TWO)

    assert len(desk.after(2)) == 1


def test_a_late_instance_submits_the_study_again(desk: Desk) -> None:
    desk.bring(1, ONE)
    desk.after(2)
    desk.bring(2, TWO)
    desk.after(2)

    assert [len(study.instances) for _, study in desk.ledger.studies] == [1, 2]
    assert len({request_id for request_id, _ in desk.ledger.studies}) == 2


def test_a_correction_and_its_reversal_are_both_submitted(desk: Desk) -> None:
    corrected = replace(ONE, version=2, identity_digest="i2")
    for association, instance in enumerate((ONE, corrected, replace(ONE, version=3))):
        desk.bring(association, instance)
        desk.after(2)

    assert len({request_id for request_id, _ in desk.ledger.studies}) == 3


def test_the_number_at_the_sender_is_the_strongest_evidence(asking: Desk, archive: Archive) -> None:
    archive.holds = 1
    asking.bring(1, ONE, released=False)

    assert asking.after(2) == ["expected_count"]


def test_while_the_sender_holds_more_the_study_waits(asking: Desk, archive: Archive) -> None:
    archive.holds = 2
    asking.bring(1, ONE)
    assert asking.after(2) == []

    asking.bring(2, TWO)
    assert asking.after(5) == ["expected_count"]


def test_a_number_that_is_never_reached_ends_in_quiet(asking: Desk, archive: Archive) -> None:
    archive.holds = 2
    asking.bring(1, ONE)

    assert asking.after(61) == ["quiet_time"]


def test_a_sender_that_does_not_answer_ends_in_quiet(asking: Desk, archive: Archive) -> None:
    archive.up = False
    asking.bring(1, ONE)

    assert asking.after(5) == []
    assert asking.after(60) == ["quiet_time"]


def test_a_silent_sender_is_asked_once_a_minute_whatever_it_brought(asking: Desk, archive: Archive) -> None:
    archive.up = False
    for number in range(20):
        asking.bring(number, replace(ONE, sop_instance_uid=f"1.{number}", study_instance_uid=f"1.9.{number}"))

    asking.after(5)
    asking.after(5)
    assert archive.asked == 1

    archive.up, archive.holds = True, 1
    assert asking.after(56) == ["expected_count"] * 20


def test_our_own_objects_at_the_sender_are_not_counted(asking: Desk, archive: Archive) -> None:
    archive.holds, archive.ours = 3, 2
    asking.bring(1, ONE)

    assert asking.after(2) == ["expected_count"]


def test_our_own_objects_that_came_back_are_not_counted(asking: Desk, archive: Archive) -> None:
    archive.holds = 2
    asking.catalogue.record(OwnOutputSeen("1.5", "1.9", TIME))
    asking.bring(1, ONE)

    assert asking.after(2) == ["expected_count"]


def test_results_that_is_down_gets_the_study_later_under_the_same_id(desk: Desk) -> None:
    desk.ledger.error = UnavailableError("down")
    desk.bring(1, ONE)
    desk.after(2)
    due = desk.catalogue.due_submissions()
    desk.ledger.error = None

    assert desk.after(20) == ["association_released"]
    assert len(due) == 1
    assert desk.catalogue.due_submissions() == ()


def test_a_study_results_refuses_is_told_to_a_person(desk: Desk) -> None:
    desk.ledger.error = InvalidInputError("study", "no")
    desk.bring(1, ONE)
    desk.after(2)
    desk.after(20)

    assert desk.ledger.notices == ["study_refused"]
    assert desk.catalogue.due_submissions() == ()


def test_an_internal_error_of_results_is_tried_again(desk: Desk) -> None:
    desk.ledger.error = OncoRelayError("internal")
    desk.bring(1, ONE)
    desk.after(2)

    assert len(desk.catalogue.due_submissions()) == 1


def test_after_five_failures_of_results_a_person_is_told_once(desk: Desk) -> None:
    desk.ledger.error = PermanentError("results: INTERNAL")
    desk.bring(1, ONE)

    for _ in range(4):
        desk.after(1000)
    assert desk.ledger.notices == []
    for _ in range(5):
        desk.after(1000)

    assert desk.ledger.notices == ["study_not_taken"]
    assert len(desk.catalogue.due_submissions()) == 1


def test_a_study_results_failed_over_is_tried_slowly_and_taken_at_last(desk: Desk) -> None:
    desk.ledger.error = PermanentError("results: INTERNAL")
    desk.bring(1, ONE)
    for _ in range(30):
        desk.after(1000)
    desk.ledger.error = None

    assert desk.after(1) == []
    assert desk.after(900) == ["association_released"]
    assert desk.catalogue.due_submissions() == ()


def test_a_study_results_fails_over_holds_no_other_study_up(desk: Desk) -> None:
    desk.ledger.error = PermanentError("results: INTERNAL")
    desk.bring(1, ONE)
    for _ in range(8):
        desk.after(1000)
    desk.ledger.error = None
    desk.bring(2, replace(ONE, sop_instance_uid="2.1", study_instance_uid="2.9"))

    desk.after(2)

    assert [study.study_instance_uid for _, study in desk.ledger.studies] == ["2.9"]


def test_an_unusable_patient_id_is_submitted_without_identity_and_nothing_is_retried(desk: Desk) -> None:
    desk.bring(1, replace(ONE, patient_id="1" * 129))
    desk.after(2)

    assert [study.identity for _, study in desk.ledger.studies] == [None]
    assert desk.catalogue.due_submissions() == ()


def test_a_completion_that_cannot_be_recorded_is_judged_again(
    desk: Desk, catalogue: JournaledCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.bring(1, ONE)
    with monkeypatch.context() as patched:
        patched.setattr(JournalWriter, "append", _full)
        with pytest.raises(OutOfResourcesError):
            desk.after(2)
    assert catalogue.last_completion("1.9") is None

    assert desk.after(2) == ["association_released"]


def _full(*_: object) -> None:
    raise OutOfResourcesError("the journal cannot be written")


def test_a_notice_that_fails_holds_no_study_up(desk: Desk) -> None:
    desk.ledger.notice_error = OncoRelayError("internal")
    desk.catalogue.record(NoticeRaised("n", "k", "text", TIME))
    desk.bring(1, ONE)

    assert desk.after(2) == ["association_released"]
    assert len(desk.catalogue.due_notices()) == 1


def test_after_a_restart_an_unfinished_study_ends_in_quiet(desk: Desk, catalogue: JournaledCatalogue) -> None:
    catalogue.record(ONE)

    assert resume_unfinished(catalogue, desk.watch) == 1
    assert desk.after(59) == []
    assert desk.after(2) == ["quiet_time"]


SLIDE = replace(ONE, sop_instance_uid="2.1", study_instance_uid="2.9", modality="SM")


def with_slides(desk: Desk) -> Glasses:
    glasses = Glasses()
    desk.outbox.slides = glasses
    return glasses


def test_a_study_with_slides_goes_to_slide_ingestion_and_nothing_of_it_to_results(desk: Desk) -> None:
    glasses = with_slides(desk)
    desk.bring(1, SLIDE)
    desk.bring(2, ONE)

    assert desk.after(1.1) == ["association_released"]
    assert glasses.studies == ["2.9"]
    assert [study.study_instance_uid for _, study in desk.ledger.studies] == ["1.9"]
    desk.after(60)
    assert glasses.studies == ["2.9"]


def test_without_slide_ingestion_slides_go_to_results_as_any_study(desk: Desk) -> None:
    desk.bring(1, SLIDE)

    assert desk.after(1.1) == ["association_released"]


def test_a_study_with_slides_and_other_images_goes_to_both(desk: Desk) -> None:
    glasses = with_slides(desk)
    desk.bring(1, SLIDE, replace(SLIDE, sop_instance_uid="2.2", modality="MG"))

    assert desk.after(1.1) == ["association_released"]
    assert glasses.studies == ["2.9"]


def test_slide_ingestion_that_is_away_holds_up_nothing_but_slides_and_gets_them_later(desk: Desk) -> None:
    glasses = with_slides(desk)
    glasses.error = UnavailableError("down")
    desk.bring(1, SLIDE)
    desk.bring(2, ONE)

    assert desk.after(1.1) == ["association_released"]
    for _ in range(8):
        desk.after(20)
    assert desk.ledger.notices == ["study_not_taken"]
    glasses.error = None
    desk.after(20)
    assert glasses.studies == ["2.9"]


def test_a_study_slide_ingestion_refuses_for_good_is_told_to_a_person(desk: Desk) -> None:
    with_slides(desk).error = InvalidInputError("study", "no")
    desk.bring(1, SLIDE)
    desk.after(1.1)
    desk.after(1)

    assert desk.ledger.notices == ["study_refused"]
