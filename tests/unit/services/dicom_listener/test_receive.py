"""The table of what happens to an object, on real files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from services.dicom_listener.adapters.catalogue import JournaledCatalogue, open_catalogue
from services.dicom_listener.adapters.object_files import DicomFiles
from services.dicom_listener.handlers.receive import DUPLICATE_KIND, UNREADABLE_KIND, Outcome, ReceiveInstance
from services.dicom_listener.ports.receiving import CANNOT_UNDERSTAND, DOES_NOT_MATCH, OUT_OF_RESOURCES, Received
from shared.storage.blobs import LocalBlobs
from shared.testing.dicom import encoded, small_series

DEVICE = "1.2.826.0.1.3680043.10.1490.0.1"
NOW = datetime(2026, 1, 15, 10, tzinfo=UTC)


@dataclass
class Room:
    folder: Path
    files: DicomFiles
    catalogue: JournaledCatalogue
    receive: ReceiveInstance

    def take(self, image: Dataset, content: bytes | None = None, announced: str = "") -> Outcome:
        spooled = self.files.spool / "one.dcm"
        spooled.write_bytes(encoded(image) if content is None else content)
        syntax = str(image.file_meta.TransferSyntaxUID)
        uid = announced or str(image.SOPInstanceUID)
        return self.receive(Received(spooled, syntax, str(image.SOPClassUID), uid, 1, "PACS"))

    def stored_files(self) -> list[Path]:
        return [path for path in self.files.objects.glob("??/*.dcm") if path.parent.name != "incoming"]

    def quarantined_files(self) -> list[Path]:
        return list(self.files.quarantined.glob("*.dcm"))

    def notices(self) -> list[str]:
        return [notice.kind for notice in self.catalogue.due_notices()]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    files = DicomFiles(tmp_path / "blobs" / "dicom", tmp_path / "dicom" / "quarantine")
    files.prepare()
    catalogue = open_catalogue(tmp_path / "dicom")
    yield Room(tmp_path, files, catalogue, ReceiveInstance(files, catalogue, DEVICE, 0, lambda: NOW))
    catalogue.close()


@pytest.fixture
def image() -> Dataset:
    return small_series(1)[0]


def _other(image: Dataset, change: Callable[[Dataset], object]) -> Dataset:
    other = deepcopy(image)
    change(other)
    return other


def test_a_new_instance_is_stored_byte_for_byte_where_the_blob_store_finds_it(room: Room, image: Dataset) -> None:
    assert room.take(image).answer.success

    stored = room.catalogue.current(image.SOPInstanceUID)
    assert stored
    assert LocalBlobs(room.folder / "blobs").path(stored.blob_uri).read_bytes() == encoded(image)


def test_no_path_says_whose_it_is(room: Room, image: Dataset) -> None:
    room.take(image)

    paths = [str(path.relative_to(room.folder)) for path in room.folder.rglob("*")]
    assert not [path for path in paths if "PHANTOM" in path or str(image.SOPInstanceUID) in path]


def test_the_same_object_again_is_success_and_stored_once(room: Room, image: Dataset) -> None:
    room.take(image)

    assert room.take(image).answer.success
    assert len(room.stored_files()) == 1
    assert room.notices() == []


def test_an_object_whose_file_was_lost_is_put_back(room: Room, image: Dataset) -> None:
    room.take(image)
    room.stored_files()[0].unlink()

    assert room.take(image).answer.success
    assert [path.read_bytes() for path in room.stored_files()] == [encoded(image)]


def test_other_pixels_under_a_known_uid_go_to_quarantine(room: Room, image: Dataset) -> None:
    room.take(image)
    clash = _other(image, lambda other: setattr(other, "PixelData", bytes(len(image.PixelData))))

    assert room.take(clash).answer.success
    (kept,) = room.stored_files()
    (quarantined,) = room.quarantined_files()
    assert (kept.read_bytes(), quarantined.read_bytes()) == (encoded(image), encoded(clash))
    assert room.notices() == [DUPLICATE_KIND]


def test_the_same_clash_again_is_told_once(room: Room, image: Dataset) -> None:
    clash = _other(image, lambda other: setattr(other, "PixelData", bytes(len(image.PixelData))))
    for each in (image, clash, clash):
        room.take(each)

    assert room.notices() == [DUPLICATE_KIND]


def test_a_corrected_identity_becomes_the_current_version(room: Room, image: Dataset) -> None:
    room.take(image)
    room.take(_other(image, lambda other: setattr(other, "PatientID", "CORRECTED")))

    current = room.catalogue.current(image.SOPInstanceUID)
    assert current
    assert (current.version, current.patient_id) == (2, "CORRECTED")
    assert len(room.stored_files()) == 2
    assert room.notices() == []


def test_the_same_instance_in_another_study_is_a_clash(room: Room, image: Dataset) -> None:
    room.take(image)
    room.take(_other(image, lambda other: setattr(other, "StudyInstanceUID", "1.2.3")))

    assert room.notices() == [DUPLICATE_KIND]
    assert room.catalogue.instances("1.2.3") == ()


@pytest.mark.parametrize("keep", [0, 100, 200, 400, 700])
def test_what_is_not_whole_is_refused_and_kept_for_a_person(room: Room, image: Dataset, keep: int) -> None:
    content = encoded(image)[:keep]

    assert room.take(image, content).answer.status == CANNOT_UNDERSTAND
    assert [path.read_bytes() for path in room.quarantined_files()] == [content]
    assert room.notices() == [UNREADABLE_KIND]
    assert room.stored_files() == []


def test_a_missing_study_uid_is_named(room: Room, image: Dataset) -> None:
    del image.StudyInstanceUID

    answer = room.take(image).answer

    assert (answer.status, answer.comment) == (CANNOT_UNDERSTAND, "study_instance_uid: is missing")


def test_a_missing_patient_id_is_stored(room: Room, image: Dataset) -> None:
    del image.PatientID

    assert room.take(image).answer.success
    assert len(room.stored_files()) == 1


def test_an_object_other_than_announced_is_refused(room: Room, image: Dataset) -> None:
    assert room.take(image, announced="1.2.3").answer.status == DOES_NOT_MATCH


def test_our_own_output_is_success_and_never_a_member(room: Room, image: Dataset) -> None:
    image.InstanceCreatorUID = DEVICE

    outcome = room.take(image)

    assert outcome.answer.success
    assert outcome.study_instance_uid == ""
    assert room.catalogue.is_own_output(image.SOPInstanceUID)
    assert (room.stored_files(), room.notices()) == ([], [])


def test_a_full_disk_is_a_transient_refusal(room: Room, image: Dataset) -> None:
    full = ReceiveInstance(room.files, room.catalogue, DEVICE, 1 << 62, lambda: NOW)
    room.receive = full

    assert room.take(image).answer.status == OUT_OF_RESOURCES
    assert room.stored_files() == []


def test_what_a_crash_left_half_written_is_removed(room: Room) -> None:
    half = room.files.spool / "tmpabc.dcm"
    half.write_bytes(b"half")

    room.files.prepare()

    assert not half.exists()
