"""What was acknowledged is never dropped in silence: an outage, a removed segment, a flipped bit, lost bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.dicom_listener.adapters.jailed_reader import CHECK, READ
from services.dicom_listener.adapters.segment_folder import MARKER
from services.dicom_listener.adapters.segments import Segments
from services.dicom_listener.handlers.judging import SEGMENT_KIND
from services.dicom_listener.handlers.verdict import LOST_KIND, UNREADABLE_KIND
from services.dicom_listener.handlers.waiting import HOLD
from services.dicom_listener.ports.inbox import Announced, Stored
from shared.domain.errors import OutOfResourcesError, UnavailableError
from shared.jail.jail import Jail
from shared.storage.ranges import place_of
from shared.testing.dicom import encoded, small_series
from tests.unit.services.dicom_listener.segments import FileSegments
from tests.unit.services.dicom_listener.test_judging import Room


@pytest.fixture(scope="module")
def jail() -> Iterator[Jail]:
    jail = Jail([READ, CHECK])
    yield jail
    jail.close()


@pytest.fixture
def room(tmp_path: Path, jail: Jail) -> Iterator[Room]:
    segments = FileSegments(tmp_path / "blobs" / "inbox")
    segments.prepare()
    room = Room(tmp_path, jail, segments).open()
    yield room
    room.close()


def _flip(stored: Stored, at: int) -> None:
    """Change one byte, ``at`` bytes behind the beginning of the object."""
    place = place_of(stored.uri)
    with place.path.open("r+b") as stream:
        stream.seek(place.offset + at)
        (old,) = stream.read(1)
        stream.seek(place.offset + at)
        stream.write(bytes([old ^ 0x10]))


@pytest.mark.parametrize("mount_point", [True, False])
def test_an_outage_of_the_file_system_costs_nothing(room: Room, mount_point: bool) -> None:
    images = small_series(5)
    room.send(*images)
    (room.folder / "blobs").rename(room.folder / "away")
    if mount_point:
        room.segments.folder.mkdir(parents=True)
    for _ in range(3):
        with pytest.raises(UnavailableError):
            room.judge()
    for path in (room.segments.folder, room.folder / "blobs"):
        if path.exists():
            path.rmdir()
    (room.folder / "away").rename(room.folder / "blobs")
    room.judge()

    assert len(room.catalogue.instances(images[0].StudyInstanceUID)) == 5
    assert room.notices() == []


def test_a_backlog_outlives_an_outage(room: Room) -> None:
    room.waiting.opened(1, "PACS")
    (image,) = small_series(1)
    for number in range(HOLD + 3):
        room.waiting.stored(room.put(image, announced=f"1.2.{number}"))
    taken = 0
    while taken < HOLD and (batch := room.waiting.take()):
        taken += len(batch.objects)
        room.waiting.done(batch)
    (room.folder / "blobs").rename(room.folder / "away")
    with pytest.raises(UnavailableError):
        room.waiting.take()
    (room.folder / "away").rename(room.folder / "blobs")

    batch = room.waiting.take()
    assert batch
    assert len(batch.objects) == 3
    room.waiting.put_back(batch)


def test_a_removed_segment_is_told_once_and_does_not_wait_for_ever(room: Room) -> None:
    room.send(*small_series(3))
    (room.segments.folder / "1.seg").unlink()
    room.judge()

    assert room.notices() == [LOST_KIND]
    assert room.waiting.backlog() == 0


def test_a_removed_segment_that_was_not_read_back_yet_is_told(room: Room) -> None:
    room.waiting.recover(-5, "gone.seg", 0)
    room.judge()

    assert room.notices() == [LOST_KIND]
    assert room.waiting.backlog() == 0


def test_an_empty_folder_where_the_journal_names_segments_is_refused(room: Room, tmp_path: Path) -> None:
    room.send(*small_series(1))
    room.judge()
    assert room.catalogue.names_segments()
    elsewhere = Segments(tmp_path / "not mounted")

    with pytest.raises(UnavailableError, match="mount the file system"):
        elsewhere.prepare(expected=True)
    assert not elsewhere.folder.exists()


def test_a_door_writes_into_no_folder_that_is_not_the_inbox(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    segments.prepare()
    (tmp_path / MARKER).unlink()

    with pytest.raises(FileNotFoundError):
        segments.free_bytes()
    with pytest.raises(OutOfResourcesError):
        segments.open(1, "PACS").begin(Announced("1.2", "1.3", "1.2.840.10008.1.2.1", "PACS", 1)).commit()
    assert segments.names() == ()


@pytest.mark.parametrize("at", [300, -4000], ids=["object", "header page"])
def test_a_flipped_bit_in_an_acknowledged_object_is_told_and_kept_for_a_person(room: Room, at: int) -> None:
    images = small_series(4)
    stored = [room.put(image) for image in images]
    _flip(stored[1], at)
    room.close()
    room.open()
    room.judge()

    assert len(room.catalogue.instances(images[0].StudyInstanceUID)) == 3
    assert room.notices() == [UNREADABLE_KIND]
    assert len(room.quarantined_files()) == 1


def test_the_last_record_of_a_segment_counts_as_torn_after_a_crash(room: Room) -> None:
    images = small_series(3)
    stored = [room.put(image) for image in images]
    _flip(stored[-1], 300)
    room.close()
    room.open()
    room.judge()

    assert len(room.catalogue.instances(images[0].StudyInstanceUID)) == 2
    assert room.notices() == []


def test_the_last_record_of_a_span_whose_end_is_known_is_told(room: Room) -> None:
    room.waiting.opened(1, "PACS")
    (image,) = small_series(1)
    stored = [room.put(image, announced=f"1.2.{number}") for number in range(HOLD + 3)]
    for one in stored:
        room.waiting.stored(one)
    _flip(stored[-1], 300)

    damages = []
    while batch := room.waiting.take():
        damages += [waiting.stored.damage for waiting in batch.objects]
        room.waiting.done(batch)
    assert len(damages) == len(stored)
    assert [bool(damage) for damage in damages] == [False] * (len(stored) - 1) + [True]


@pytest.mark.parametrize("how", ["erased", "flipped"])
def test_a_copy_that_is_not_as_it_was_written_is_replaced_by_the_next(room: Room, how: str) -> None:
    (image,) = small_series(1)
    first = room.take(image)
    if how == "erased":
        place_of(first.uri).erase()
    else:
        _flip(first, 300)
    assert not room.ranges.holds(first.uri)  # what storage commitment asks
    second = room.take(image)

    assert room.member(image).blob_uri == second.uri
    assert room.blobs.read(second.uri) == encoded(image)
    assert room.ranges.holds(second.uri)


def test_whether_an_object_is_held_is_not_answered_during_an_outage(room: Room) -> None:
    (image,) = small_series(1)
    stored = room.take(image)
    (room.folder / "blobs").rename(room.folder / "away")

    with pytest.raises(UnavailableError):
        room.ranges.holds(stored.uri)
    (room.folder / "away").rename(room.folder / "blobs")


def test_one_unreadable_segment_holds_up_nothing_and_is_told(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    images = small_series(3)
    for number, image in enumerate(images, 1):
        room.put(image, association=number)
    room.close()
    real = os.open

    def refuse(path: str | Path, *rest: int, **more: int) -> int:
        if str(path).endswith("2.seg"):
            raise PermissionError(13, "denied")
        return real(path, *rest, **more)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refuse)
        room.open()
        room.judge()
    assert room.notices() == [SEGMENT_KIND]
    assert room.waiting.readable()
    assert len(room.catalogue.instances(images[0].StudyInstanceUID)) == 2
    room.close()
    room.open()
    room.judge()

    assert room.waiting.readable() == ""
    assert len(room.catalogue.instances(images[0].StudyInstanceUID)) == 3
