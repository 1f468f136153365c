"""What becomes of an object once it is on disk, on real files and in a real jail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from services.dicom_listener.adapters.catalogue import JournaledCatalogue, open_catalogue
from services.dicom_listener.adapters.jailed_reader import CHECK, READ, JailedReader
from services.dicom_listener.adapters.object_ranges import ObjectRanges
from services.dicom_listener.handlers.judge import JudgeStudies
from services.dicom_listener.handlers.judging import JudgeObjects, recover, resume_unfinished
from services.dicom_listener.handlers.pixels import PIXELS_KIND, CheckPixels
from services.dicom_listener.handlers.verdict import DUPLICATE_KIND, UNREADABLE_KIND, Court
from services.dicom_listener.handlers.waiting import BATCH, HOLD, WaitingObjects
from services.dicom_listener.handlers.watch import StudyWatch
from services.dicom_listener.ports.inbox import Announced, Stored
from services.dicom_listener.ports.records import InstanceStored, Record
from services.dicom_listener.ports.stores import Reader, Unread
from shared.dicom.fingerprint import Fingerprint
from shared.dicom.pixels import PixelOutcome
from shared.domain.errors import OutOfResourcesError
from shared.domain.refusals import Cause
from shared.domain.study import CompletenessEvidence
from shared.jail.jail import Jail
from shared.storage.blobs import LocalBlobs
from shared.testing.dicom import encoded, small_series
from tests.unit.services.dicom_listener.segments import FileSegments

DEVICE = "1.2.826.0.1.3680043.10.1490.0.1"
NOW = datetime(2026, 1, 15, 10, tzinfo=UTC)
SETTLE_S, QUIET_S = 1.0, 60.0


@dataclass
class Ticks:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Room:
    """A listener without a door: what a door would have put on disk is judged here. ``open`` again is a restart."""

    folder: Path
    jail: Jail
    segments: FileSegments
    ticks: Ticks = field(default_factory=Ticks)

    def open(self) -> Room:
        self.blobs = LocalBlobs(self.folder / "blobs")
        self.ranges = ObjectRanges(self.blobs, self.folder / "quarantine")
        self.ranges.prepare()
        self.catalogue: JournaledCatalogue = open_catalogue(self.folder / "dicom")
        self.watch = StudyWatch(self.ticks)
        self.waiting = WaitingObjects(self.segments, self.watch, self.ticks)
        reader = JailedReader(self.jail, self.jail, self.blobs)
        court = Court(self.catalogue, self.ranges, DEVICE)
        self.judge = JudgeObjects(self.waiting, reader, self.ranges, self.catalogue, self.watch, court, lambda: NOW)
        self.judge_studies = JudgeStudies(
            self.watch, self.catalogue, {}, SETTLE_S, QUIET_S, lambda: NOW, self.ticks, self.waiting.since
        )
        self.check_pixels = CheckPixels(self.catalogue, reader, lambda: NOW)
        resume_unfinished(self.catalogue, self.watch)
        recover(self.segments, self.catalogue, self.waiting, NOW)
        return self

    def close(self) -> None:
        self.catalogue.close()

    def put(self, image: Dataset, content: bytes | None = None, *, association: int = 1, announced: str = "") -> Stored:
        """Store an object in the association's segment, and say nothing."""
        uid = announced or str(image.SOPInstanceUID)
        syntax = str(image.file_meta.TransferSyntaxUID)
        what = Announced(str(image.SOPClassUID), uid, syntax, "PACS", association)
        return self.segments.put(f"{association}.seg", what, encoded(image) if content is None else content)

    def send(self, *images: Dataset, association: int = 1, released: bool = True) -> None:
        """Bring the images over an association of their own."""
        self.waiting.opened(association, "PACS")
        for image in images:
            self.waiting.stored(self.put(image, association=association))
        self.waiting.ended(association, released=released)

    def take(self, image: Dataset, content: bytes | None = None, announced: str = "") -> Stored:
        """Bring one object over an association that stays open, and judge it."""
        if not self.watch._associations:
            self.waiting.opened(1, "PACS")
        stored = self.put(image, content, announced=announced)
        self.waiting.stored(stored)
        self.judge()
        return stored

    def complete(self, after_s: float = SETTLE_S) -> list[str]:
        """Let time pass and judge studies; return the evidence recorded for each, newest completion only."""
        self.ticks.now += after_s
        self.judge_studies()
        return [completion.evidence for completion in self.catalogue.due_submissions()]

    def member(self, image: Dataset) -> InstanceStored:
        found = self.catalogue.current(str(image.SOPInstanceUID))
        assert found
        return found

    def quarantined_files(self) -> list[Path]:
        return list(self.ranges.quarantined.glob("*.dcm"))

    def notices(self) -> list[str]:
        return [notice.kind for notice in self.catalogue.due_notices()]


@pytest.fixture(scope="module")
def jail() -> Iterator[Jail]:
    jail = Jail([READ, CHECK])
    yield jail
    jail.close()


@pytest.fixture
def room(tmp_path: Path, jail: Jail) -> Iterator[Room]:
    inbox = tmp_path / "blobs" / "inbox"
    segments = FileSegments(inbox)
    segments.prepare()
    room = Room(tmp_path, jail, segments).open()
    yield room
    room.close()


@pytest.fixture
def image() -> Dataset:
    return small_series(1)[0]


def _other(image: Dataset, change: Callable[[Dataset], object]) -> Dataset:
    other = deepcopy(image)
    change(other)
    return other


def _blank(image: Dataset) -> Dataset:
    return _other(image, lambda other: setattr(other, "PixelData", bytes(len(image.PixelData))))


def test_a_new_instance_is_a_member_and_its_bytes_stay_where_they_are(room: Room, image: Dataset) -> None:
    stored = room.take(image)

    assert room.member(image).blob_uri == stored.uri
    assert room.blobs.read(stored.uri) == encoded(image)
    assert room.waiting.backlog() == 0


def test_the_same_object_again_is_stored_once_and_its_space_given_back(room: Room, image: Dataset) -> None:
    first, second = room.take(image), room.take(image)

    assert room.member(image).blob_uri == first.uri
    assert room.blobs.read(first.uri) == encoded(image)
    assert room.blobs.read(second.uri) == bytes(len(encoded(image)))
    assert room.notices() == []


def test_an_object_whose_bytes_were_lost_is_replaced_by_the_next_one(room: Room, image: Dataset) -> None:
    room.take(image)
    (room.segments.folder / "1.seg").unlink()
    again = room.take(image)

    assert room.member(image).blob_uri == again.uri
    assert room.blobs.read(again.uri) == encoded(image)


def test_other_pixels_under_a_known_uid_go_to_quarantine(room: Room, image: Dataset) -> None:
    first = room.take(image)
    room.take(_blank(image))

    (quarantined,) = room.quarantined_files()
    assert quarantined.read_bytes() == encoded(_blank(image))
    assert room.member(image).blob_uri == first.uri
    assert room.notices() == [DUPLICATE_KIND]


def test_the_same_clash_again_is_told_once(room: Room, image: Dataset) -> None:
    room.send(image, _blank(image), _blank(image))
    room.judge()

    assert room.notices() == [DUPLICATE_KIND]
    assert room.member(image).version == 1


def test_a_corrected_identity_becomes_the_current_version_and_the_first_stays(room: Room, image: Dataset) -> None:
    first = room.take(image)
    second = room.take(_other(image, lambda other: setattr(other, "PatientID", "CORRECTED")))

    current = room.member(image)
    assert (current.version, current.patient_id, current.blob_uri) == (2, "CORRECTED", second.uri)
    assert room.blobs.read(first.uri) == encoded(image)
    assert room.notices() == []


def test_the_same_instance_in_another_study_is_a_clash(room: Room, image: Dataset) -> None:
    room.take(image)
    room.take(_other(image, lambda other: setattr(other, "StudyInstanceUID", "1.2.3")))

    assert room.notices() == [DUPLICATE_KIND]
    assert room.catalogue.instances("1.2.3") == ()


@pytest.mark.parametrize("keep", [1, 100, 200, 400, 700])
def test_what_is_not_whole_is_kept_for_a_person_and_is_no_member(room: Room, image: Dataset, keep: int) -> None:
    content = encoded(image)[:keep]
    room.take(image, content)

    assert [path.read_bytes() for path in room.quarantined_files()] == [content]
    assert room.notices() == [UNREADABLE_KIND]
    assert room.catalogue.current(str(image.SOPInstanceUID)) is None


def test_a_missing_study_uid_is_named_in_the_notice(room: Room, image: Dataset) -> None:
    del image.StudyInstanceUID
    room.take(image)

    (notice,) = room.catalogue.due_notices()
    assert "study_instance_uid: is missing" in notice.text


def test_a_missing_patient_id_is_no_obstacle(room: Room, image: Dataset) -> None:
    del image.PatientID
    room.take(image)

    assert room.member(image).patient_id == ""


def test_an_object_other_than_announced_is_set_aside(room: Room, image: Dataset) -> None:
    room.take(image, announced="1.2.3")

    assert room.notices() == [UNREADABLE_KIND]


def test_our_own_output_is_never_a_member_and_takes_no_space(room: Room, image: Dataset) -> None:
    image.InstanceCreatorUID = DEVICE
    stored = room.take(image)

    assert room.catalogue.is_own_output(image.SOPInstanceUID)
    assert room.catalogue.current(image.SOPInstanceUID) is None
    assert set(room.blobs.read(stored.uri)) == {0}
    assert room.notices() == []


def test_an_end_is_heard_only_after_everything_before_it_was_judged(room: Room) -> None:
    images = small_series(BATCH * 2 + 3)
    room.send(*images)
    assert room.complete(after_s=QUIET_S * 2) == []
    room.judge()

    assert room.complete() == [CompletenessEvidence.ASSOCIATION_RELEASED]
    assert len(room.catalogue.instances(images[0].StudyInstanceUID)) == len(images)


def test_a_study_is_not_complete_while_something_older_waits(room: Room) -> None:
    images = small_series(4)
    room.waiting.opened(2, "PACS")
    room.waiting.stored(room.put(images[0], association=2))
    batch = room.waiting.take()
    assert batch
    room.send(*images[1:], association=3)
    room.judge()  # the other association's objects; the first stays in somebody's hand
    assert room.complete(after_s=QUIET_S * 2) == []

    room.waiting.put_back(batch)
    room.judge()
    room.waiting.ended(2, released=True)

    assert room.complete() == [CompletenessEvidence.ASSOCIATION_RELEASED]
    assert len(room.catalogue.instances(images[0].StudyInstanceUID)) == 4


@pytest.mark.parametrize("trouble", ["refused at the door", "unreadable", "cut"])
def test_after_trouble_only_quiet_is_evidence(room: Room, trouble: str) -> None:
    images = small_series(2)
    room.waiting.opened(1, "PACS")
    room.waiting.stored(room.put(images[0]))
    if trouble == "refused at the door":
        room.waiting.refused(1, Cause.OUT_OF_SPACE)
    elif trouble == "unreadable":
        room.waiting.stored(room.put(images[1], b"nothing"))
    room.waiting.ended(1, released=trouble != "cut")
    room.judge()

    assert room.complete() == []
    assert room.complete(after_s=QUIET_S) == [CompletenessEvidence.QUIET_TIME]


def test_a_late_instance_completes_the_study_again_and_only_then(room: Room) -> None:
    images = small_series(3)
    study = images[0].StudyInstanceUID
    room.send(*images[:2], association=1)
    room.judge()
    room.complete()
    first = room.catalogue.last_completion(study)
    room.send(images[0], association=2)  # nothing new
    room.judge()
    room.complete()
    assert room.catalogue.last_completion(study) == first
    room.send(images[2], association=3)
    room.judge()
    room.complete()

    last = room.catalogue.last_completion(study)
    assert first
    assert last
    assert (first.ordinal, last.ordinal) == (1, 2)
    assert first.fingerprint != last.fingerprint


def test_associations_take_turns(room: Room) -> None:
    many, few = small_series(BATCH * 3), small_series(1)
    room.send(*many, association=1)
    room.send(*few, association=2)

    order = []
    while batch := room.waiting.take():
        order.append(batch.association)
        room.waiting.done(batch)
    assert order == [1, 2, 1, 1]


def test_a_backlog_is_read_back_from_disk_and_nothing_is_lost_or_doubled(room: Room, image: Dataset) -> None:
    room.waiting.opened(1, "PACS")
    uids = [f"1.2.{number}" for number in range(HOLD * 2 + 5)]
    content = encoded(image)
    for uid in uids:
        room.waiting.stored(room.put(image, content, announced=uid))
    (line,) = room.waiting._lines.values()
    assert len(line.held) == HOLD
    assert room.waiting.backlog() == len(uids)

    taken = []
    while batch := room.waiting.take():
        taken += [waiting.stored.announced.sop_instance_uid for waiting in batch.objects]
        assert {waiting.stored.announced.association for waiting in batch.objects} == {1}
        room.waiting.done(batch)
    assert taken == uids
    assert room.waiting.backlog() == 0


class _FullJournal:
    """A catalogue whose disk is full until it is told otherwise."""

    def __init__(self, catalogue: JournaledCatalogue) -> None:
        self._catalogue = catalogue
        self.full = True

    def __getattr__(self, name: str) -> object:
        return getattr(self._catalogue, name)

    def record(self, *records: Record) -> None:
        if self.full:
            raise OutOfResourcesError("no space")
        self._catalogue.record(*records)


def test_what_cannot_be_recorded_waits_in_its_order(room: Room) -> None:
    images = small_series(BATCH + 1)
    full = _FullJournal(room.catalogue)
    room.judge.catalogue = full  # type: ignore[assignment]
    room.send(*images)
    for _ in range(3):
        with pytest.raises(OutOfResourcesError):
            room.judge()
    assert room.waiting.backlog() == len(images)
    full.full = False
    room.judge()

    assert room.complete() == [CompletenessEvidence.ASSOCIATION_RELEASED]
    assert room.notices() == []


class _DefectiveReader:
    """Breaks over one object, as a defect of ours would."""

    def __init__(self, reader: Reader, bad: str) -> None:
        self._reader, self._bad = reader, bad

    def read(self, objects: Sequence[Stored]) -> tuple[Fingerprint | Unread, ...]:
        if any(one.announced.sop_instance_uid == self._bad for one in objects):
            raise RuntimeError("a defect")
        return self._reader.read(objects)


def test_an_object_over_which_we_break_again_and_again_is_set_aside_and_the_next_is_judged(room: Room) -> None:
    images = small_series(4)
    room.judge.reader = _DefectiveReader(room.judge.reader, str(images[2].SOPInstanceUID))
    room.send(*images)
    for _ in range(4):
        with pytest.raises(RuntimeError):
            room.judge()
    room.judge()

    assert room.notices() == [UNREADABLE_KIND]
    members = {row.sop_instance_uid: row.version for row in room.catalogue.instances(images[0].StudyInstanceUID)}
    assert members == {images[number].SOPInstanceUID: 1 for number in (0, 1, 3)}
    assert all(room.blobs.read(room.member(images[number]).blob_uri) == encoded(images[number]) for number in (0, 1, 3))
    assert room.waiting.backlog() == 0


def _kill(room: Room, after: int) -> Room:
    """Begin anew with only so many journal lines on disk: what a kill leaves."""
    room.close()
    journal = room.folder / "dicom" / "journal"
    (path,) = journal.iterdir()
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:after]))
    for name in room.folder.glob("dicom/index*"):
        name.unlink()
    return room.open()


class _Releasing(ObjectRanges):
    """Dies before it releases anything: space is given back only once the journal is on disk."""

    def release(self, uri: str) -> None:
        """Do nothing."""


@pytest.mark.parametrize("lines", range(8))
def test_whatever_a_kill_leaves_of_the_journal_the_rest_is_judged_from_the_segments(room: Room, lines: int) -> None:
    images = [*small_series(4), _blank(small_series(1)[0]), small_series(1)[0]]
    room.judge.ranges = _Releasing(room.blobs, room.folder / "quarantine")
    room.send(*images)
    room.judge()
    fresh = _kill(room, lines)
    fresh.judge()

    study = fresh.catalogue.instances(images[0].StudyInstanceUID)
    assert {row.sop_instance_uid for row in study} == {image.SOPInstanceUID for image in images}
    assert all(fresh.blobs.read(row.blob_uri)[128:132] == b"DICM" for row in study)
    assert fresh.notices() == [DUPLICATE_KIND]
    assert {row.version for row in study} == {1}


def test_what_a_kill_left_unjudged_counts_as_cut_and_comes_before_any_judgement(room: Room) -> None:
    images = small_series(3)
    for image in images[:2]:
        room.put(image)  # on disk, acknowledged, and the process ends before it is judged
    room.close()
    room.open()
    room.ticks.now += 1
    room.send(images[2], association=5)
    batch = room.waiting.take()
    assert batch
    assert batch.association < 0
    room.waiting.put_back(batch)
    assert room.complete(after_s=QUIET_S * 2) == []
    room.judge()

    assert len(room.catalogue.instances(images[0].StudyInstanceUID)) == 3
    assert room.complete() == [CompletenessEvidence.ASSOCIATION_RELEASED]


def _break(image: Dataset) -> Dataset:
    return _other(image, lambda other: setattr(other, "NumberOfFrames", 65535))


def test_pixels_that_are_not_there_are_told_once_per_series_and_hold_nothing_up(room: Room) -> None:
    images = small_series(3)
    room.send(*(_break(image) for image in images[:2]), images[2])
    room.judge()
    assert room.complete() == [CompletenessEvidence.ASSOCIATION_RELEASED]
    room.check_pixels()

    outcomes = [room.catalogue.pixels(room.member(image)) for image in images]
    assert outcomes == [PixelOutcome.INCONSISTENT, PixelOutcome.INCONSISTENT, PixelOutcome.READABLE]
    (notice,) = room.catalogue.due_notices()
    assert notice.kind == PIXELS_KIND
    assert "65535 frames are declared and 1 are there whole" in notice.text
    assert room.catalogue.unchecked(10) == ()


def test_pixels_are_looked_at_once_per_content_and_a_restart_knows(room: Room, image: Dataset) -> None:
    room.take(image)
    room.check_pixels()
    room.take(_other(image, lambda other: setattr(other, "PatientID", "CORRECTED")))
    assert room.catalogue.unchecked(10) == ()
    room.close()
    for name in room.folder.glob("dicom/index*"):
        name.unlink()
    room.open()

    assert room.catalogue.unchecked(10) == ()
    assert room.catalogue.pixels(room.member(image)) == PixelOutcome.READABLE


def test_a_name_in_any_character_set_is_no_obstacle(room: Room) -> None:
    images = small_series(4)
    for image, term in zip(images, ("ISO_IR 100", "ISO_IR 192", "GB18030", "KLINGON"), strict=True):
        image.SpecificCharacterSet = term if term != "KLINGON" else "ISO_IR 100"
        image.PatientName = "Äneas^Rüdiger"
    klingon = encoded(images[3]).replace(b"ISO_IR 100", b"KLINGON   ")
    room.send(*images[:3])
    room.take(images[3], klingon)

    assert room.notices() == []
    assert [room.member(image).note != "" for image in images] == [False, False, False, True]
    assert {room.member(image).patient_id for image in images} == {images[0].PatientID}


def test_a_restart_judges_nothing_twice(room: Room) -> None:
    room.send(*small_series(3))
    room.judge()
    room.close()
    room.open()

    assert room.waiting.backlog() == 0
