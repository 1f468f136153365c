"""What nobody refers to is erased; what somebody refers to, or nobody can explain, stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.dicom_listener.adapters.segment_sweep import SegmentSweep
from services.dicom_listener.adapters.segments import SegmentInlet, Segments
from services.dicom_listener.formats.segment_record import PAGE
from services.dicom_listener.ports.inbox import Announced, Stored
from shared.storage.ranges import place_of


class Shelf:
    """Segments of a test, and what its catalogue says."""

    def __init__(self, folder: Path) -> None:
        self.segments = Segments(folder / "segments")
        folder.mkdir(exist_ok=True)
        self.segments.prepare()
        self.held: set[str] = set()
        self.known: set[str] = set()
        self.marks: dict[str, int] = {}
        self.sweep = SegmentSweep(self.segments, lambda name: self.marks.get(name, 0), self._holders, self._knows)

    def _knows(self, uid: str) -> bool:
        return uid in self.known

    def _holders(self, uri: str) -> tuple[str, ...]:
        return tuple(one for one in self.held if one.startswith(f"{uri}?"))

    def put(self, inlet: SegmentInlet, uid: str) -> Stored:
        incoming = inlet.begin(Announced("1.2", uid, "1.2.840.10008.1.2.1", "PACS", 1))
        content = f"object {uid}".encode() * 700
        room = incoming.room(len(content))
        room[: len(content)] = content
        incoming.filled(len(content))
        stored = incoming.commit()
        self.marks[stored.segment] = stored.end
        return stored

    def path(self, stored: Stored) -> Path:
        return place_of(stored.uri).path


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf")


def test_a_record_that_must_be_named_nowhere_goes_with_its_header_and_its_neighbours_stay(shelf: Shelf) -> None:
    inlet = shelf.segments.open(1, "PACS")
    first, gone, last = (shelf.put(inlet, uid) for uid in ("1.1", "1.2", "1.3"))
    shelf.held = {first.uri, last.uri}

    shelf.sweep.sweep(["1.2"])  # the association still writes to the segment

    content = shelf.path(first).read_bytes()
    assert b"1.2.840" in content
    assert b'"1.2"' not in content.replace(b'"sop_class_uid":"1.2"', b"").replace(b'"sop_class_uid": "1.2"', b"")
    assert b"object 1.2" not in content
    assert [one.uri for one in shelf.segments.scan(gone.segment)] == [first.uri, last.uri]
    inlet.close()


def test_what_a_crash_tore_is_erased_once_nobody_writes_there(shelf: Shelf) -> None:
    inlet = shelf.segments.open(1, "PACS")
    kept = shelf.put(inlet, "1.1")
    shelf.held = {kept.uri}
    inlet.close()
    with shelf.path(kept).open("ab") as stream:
        stream.write(b"torn CANARY".ljust(3 * PAGE, b"x"))

    shelf.sweep.sweep([])

    assert b"CANARY" not in shelf.path(kept).read_bytes()
    assert [one.uri for one in shelf.segments.scan(kept.segment)] == [kept.uri]


def test_what_is_not_judged_yet_is_not_touched(shelf: Shelf) -> None:
    inlet = shelf.segments.open(1, "PACS")
    stored = shelf.put(inlet, "1.1")
    shelf.marks[stored.segment] = 0
    inlet.close()

    shelf.sweep.sweep(["1.1"])
    shelf.sweep()

    assert [one.uri for one in shelf.segments.scan(stored.segment)] == [stored.uri]


def test_a_whole_object_the_catalogue_knows_nothing_of_stays_where_it_is(shelf: Shelf) -> None:
    inlet = shelf.segments.open(1, "PACS")
    stored = shelf.put(inlet, "1.1")
    inlet.close()

    shelf.sweep()

    assert [one.uri for one in shelf.segments.scan(stored.segment)] == [stored.uri]


def test_a_segment_that_holds_nothing_any_more_is_removed_and_one_in_use_is_not(shelf: Shelf) -> None:
    closed, used = shelf.segments.open(1, "PACS"), shelf.segments.open(2, "PACS")
    duplicate, other = shelf.put(closed, "1.1"), shelf.put(used, "1.1")
    closed.close()
    shelf.known = {"1.1"}

    shelf.sweep()

    assert not shelf.path(duplicate).exists()
    assert shelf.path(other).exists()
    used.close()
