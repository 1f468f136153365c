"""What is current goes by the time of receipt: no interleaving of associations and no crash changes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dicom_listener.adapters.catalogue import open_catalogue
from services.dicom_listener.adapters.jailed_reader import CHECK, READ
from services.dicom_listener.adapters.segments import Segments
from services.dicom_listener.handlers.verdict import DUPLICATE_KIND, Court
from services.dicom_listener.ports.inbox import Announced, Stored
from shared.dicom.fingerprint import Fingerprint
from shared.dicom.header import Header
from shared.jail.jail import Jail
from shared.testing.dicom import small_series
from tests.unit.services.dicom_listener.segments import FileSegments
from tests.unit.services.dicom_listener.test_judging import NOW, Room


class _Held:
    """Every object is there."""

    def holds(self, uri: str) -> bool:
        return True

    def is_gone(self, uri: str) -> bool:
        return False

    def digest(self, uri: str) -> str:
        return uri

    def quarantine(self, uri: str, name: str) -> None:
        pass

    def release(self, uri: str) -> None:
        pass


def _reading(content: str, identity: str) -> Fingerprint:
    header = Header(
        sop_class_uid="1.2", sop_instance_uid="1.2.3", study_instance_uid="1.9", series_instance_uid="1.8",
        modality="MR", patient_id=identity,
    )  # fmt: skip
    return Fingerprint(header, content_digest=content, identity_digest=identity)


def _stored(number: int) -> Stored:
    announced = Announced("1.2", "1.2.3", "1.2.840.10008.1.2.1", "PACS", 1)
    stamp = f"2026-01-15T10:00:00.{number:06d}+00:00"
    return Stored(announced, f"file:///a.seg?offset={number * 8192}&length=1", "a.seg", number, stamp)


def _current(came: list[tuple[str, str]], order: list[int], crashes: set[int]) -> tuple[str, str]:
    """Judge in ``order``; a crash loses the index, and judges what was judged last again."""
    with TemporaryDirectory() as folder:
        catalogue = open_catalogue(Path(folder))
        for place, number in enumerate(order):
            for _ in range(2 if place in crashes else 1):
                verdict = Court(catalogue, _Held(), "1.2.826").judge(_stored(number), _reading(*came[number]), NOW)
                catalogue.record(*verdict.records)
                if place in crashes:
                    catalogue.close()
                    for path in Path(folder).glob("index*"):
                        path.unlink()
                    catalogue = open_catalogue(Path(folder))
        current = catalogue.current("1.2.3")
        catalogue.close()
    assert current
    return current.content_digest, current.identity_digest


_IDENTITIES = st.lists(st.sampled_from(["i1", "i2", "i3"]), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(identities=_IDENTITIES, data=st.data())
def test_the_identity_that_was_received_last_is_current_in_any_order(
    identities: list[str], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(identities))))
    crashes = data.draw(st.sets(st.integers(0, len(identities) - 1)))
    came = [("c", identity) for identity in identities]

    assert _current(came, order, crashes) == ("c", identities[-1])


@settings(max_examples=60, deadline=None)
@given(contents=st.lists(st.sampled_from(["c1", "c2", "c3"]), min_size=1, max_size=6), data=st.data())
def test_the_content_that_was_received_first_stays_in_any_order(contents: list[str], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(contents))))
    crashes = data.draw(st.sets(st.integers(0, len(contents) - 1)))

    assert _current([(content, "i") for content in contents], order, crashes) == (contents[0], "i")


def test_no_two_objects_are_received_at_the_same_time_even_where_the_clock_stands_or_goes_back(tmp_path: Path) -> None:
    times = iter([NOW, NOW, NOW.replace(hour=9), NOW])
    segments = Segments(tmp_path, now=lambda: next(times))

    stamps = [segments.stamp() for _ in range(4)]
    assert stamps == sorted(set(stamps))


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


def test_after_a_crash_the_later_identity_is_current_whatever_its_segment_is_called(room: Room) -> None:
    (image,) = small_series(1)
    for patient, association in (("WRONG", 9), ("RIGHT", 1)):
        image.PatientID = patient
        room.put(image, association=association)
    room.close()
    room.open()
    room.judge()

    assert room.member(image).patient_id == "RIGHT"


def test_two_associations_in_turns_end_with_what_was_received_last(room: Room) -> None:
    images = small_series(40)
    for association, patient in ((1, "WRONG"), (2, "RIGHT")):
        for image in images:
            image.PatientID = patient
        room.send(*(images if association == 1 else reversed(images)), association=association)
    room.judge()

    assert {row.patient_id for row in room.catalogue.instances(images[0].StudyInstanceUID)} == {"RIGHT"}


def test_an_earlier_object_judged_later_takes_its_place_and_the_other_is_kept_for_a_person(room: Room) -> None:
    (image,) = small_series(1)
    first = room.put(image, association=2)
    image.PixelData = bytes(len(image.PixelData))
    second = room.put(image, association=1)
    for number, stored in ((1, second), (2, first)):
        room.waiting.opened(number, "PACS")
        room.waiting.stored(replace(stored))
        room.judge()

    assert room.member(image).blob_uri == first.uri
    assert [path.read_bytes() for path in room.quarantined_files()] == [room.blobs.read(second.uri)]
    assert room.notices() == [DUPLICATE_KIND]
