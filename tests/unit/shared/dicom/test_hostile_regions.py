"""Objects with regions that nobody honest wrote: each is refused with a reason, within bounds, and quotes nothing."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from shared.dicom import structure_set as structures
from shared.dicom.region_object import open_region_object
from shared.dicom.regions import RegionSearch, find_region
from shared.dicom.segmentation import drawings_in_segmentation
from shared.dicom.stored_object import StoredObject
from shared.dicom.structure_set import drawings_in_structure_set
from shared.domain.errors import InvalidInputError
from shared.domain.images import AutomaticRegion
from shared.imaging.dynamic import ImageTrouble
from shared.imaging.region import Region
from shared.phantoms.asymmetric import asymmetric_study, series_of
from shared.testing.drawn_regions import save, segmentation, structure_set

STUDY = asymmetric_study()
IMAGES = series_of(STUDY.early)
SECRET = "Canary^Cornelia"


def asked(path: Path) -> Region | ImageTrouble:
    search = RegionSearch(STUDY.early, [StoredObject(path)], STUDY.pre, STUDY.late)
    return find_region(search, automatic=AutomaticRegion.USE)


def refused(path: Path) -> str:
    outcome = asked(path)
    assert isinstance(outcome, ImageTrouble), outcome
    return outcome.text


def no_frames(one: Dataset) -> None:
    one.NumberOfFrames = 100_000


def huge_frames(one: Dataset) -> None:
    one.Rows = one.Columns = 65_535


def other_kind(one: Dataset) -> None:
    one.SegmentationType = SECRET.upper()[:16].replace("^", " ")


def too_few_groups(one: Dataset) -> None:
    one.PerFrameFunctionalGroupsSequence = one.PerFrameFunctionalGroupsSequence[:-1]


def no_pixels(one: Dataset) -> None:
    del one.PixelData


def short_pixels(one: Dataset) -> None:
    one.PixelData = one.PixelData[:10] + b"\0\0"


def no_segments(one: Dataset) -> None:
    one.SegmentSequence = []


def nowhere(one: Dataset) -> None:
    del one.SharedFunctionalGroupsSequence


def flat(one: Dataset) -> None:
    shared = one.SharedFunctionalGroupsSequence[0]
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = [1, 0, 0, 1, 0, 0]


def far_away(one: Dataset) -> None:
    for group in one.PerFrameFunctionalGroupsSequence:
        group.PlanePositionSequence[0].ImagePositionPatient = [1e300, 1e300, -1e300]


def scattered(one: Dataset) -> None:
    rng = np.random.default_rng(1)
    for group in one.PerFrameFunctionalGroupsSequence:
        group.PlanePositionSequence[0].ImagePositionPatient = [f"{n:.6g}" for n in rng.uniform(-40, 40, 3)]


def text_for_a_number(one: Dataset) -> None:
    one.SegmentSequence[0].SegmentNumber = 1
    one.add(DataElement(0x00280008, "LO", SECRET))


@pytest.mark.parametrize(
    "spoil",
    [no_frames, huge_frames, other_kind, too_few_groups, no_pixels, short_pixels, no_segments, nowhere, flat, far_away,
     scattered, text_for_a_number],
)  # fmt: skip
def test_a_spoilt_segmentation_is_refused_and_nothing_of_it_is_quoted(
    spoil: Callable[[Dataset], None], tmp_path: Path
) -> None:
    drawn = segmentation([STUDY.lesion], IMAGES)
    drawn.PatientName = SECRET
    drawn.SegmentSequence[0].SegmentLabel = SECRET
    spoil(drawn)

    text = refused(save(drawn, tmp_path / "seg.dcm"))

    assert "Canary" not in text
    assert "CANARY" not in text
    assert text.endswith(".")


def test_names_in_labels_are_neither_method_nor_remark_nor_author(tmp_path: Path) -> None:
    drawn = segmentation([STUDY.lesion], IMAGES, labels=[f"Tumour of {SECRET}"])
    drawn.PatientName = drawn.ContentCreatorName = drawn.ContentDescription = SECRET
    drawn.SegmentSequence[0].SegmentDescription = SECRET

    found = asked(save(drawn, tmp_path / "seg.dcm"))

    assert isinstance(found, Region)
    assert "Canary" not in repr(found)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_object_is_refused(share: float, tmp_path: Path) -> None:
    path = save(segmentation([STUDY.lesion], IMAGES), tmp_path / "seg.dcm")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(InvalidInputError):
        drawings_in_segmentation(open_region_object(StoredObject(path)), {})


@pytest.mark.parametrize("seed", range(60))
def test_flipped_bytes_end_in_a_region_or_a_reason(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    drawn = (segmentation if seed % 2 else structure_set)([STUDY.lesion], IMAGES)
    path = save(drawn, tmp_path / "drawn.dcm")
    content = np.frombuffer(path.read_bytes(), dtype=np.uint8).copy()
    content[rng.integers(400, len(content), 40)] = rng.integers(0, 256, 40)
    path.write_bytes(content.tobytes())

    assert isinstance(asked(path), Region | ImageTrouble)


def test_nested_without_end_is_refused(tmp_path: Path) -> None:
    path = save(segmentation([STUDY.lesion], IMAGES), tmp_path / "seg.dcm")
    deep = b"".join(
        struct.pack("<HH2sHI", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF) + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
        for _ in range(5000)
    )
    path.write_bytes(path.read_bytes() + deep)

    assert "cannot be read" in refused(path)


def test_a_region_in_a_part_of_a_file_is_read_there(tmp_path: Path) -> None:
    content = save(segmentation([STUDY.lesion], IMAGES), tmp_path / "seg.dcm").read_bytes()
    (tmp_path / "segment").write_bytes(bytes(1000) + content + bytes(1000))

    search = RegionSearch(STUDY.early, [StoredObject(tmp_path / "segment", 1000, len(content))])

    assert isinstance(find_region(search, automatic=AutomaticRegion.NEVER), Region)


def test_more_points_than_any_structure_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(structure_set([STUDY.lesion], IMAGES), tmp_path / "structures.dcm")
    monkeypatch.setattr(structures, "MOST_POINTS", 20)

    (drawing,) = drawings_in_structure_set(open_region_object(StoredObject(path)))
    with pytest.raises(InvalidInputError, match="points"):
        drawing.place(STUDY.early.grid)


@pytest.mark.parametrize(
    "data", [b"1\\2", b"1\\2\\Canary", b"1e9\\0\\0\\0\\0\\0\\0\\1\\0", b"nan\\0\\0\\0\\0\\0\\0\\1\\0"]
)
def test_contours_that_are_no_places_are_refused(data: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    drawn = structure_set([STUDY.lesion], IMAGES)
    drawn.ROIContourSequence[0].ContourSequence[0].ContourData = ["77.25"] * 9
    path = save(drawn, tmp_path / "structures.dcm")
    marked = b"\\".join([b"77.25"] * 9)
    path.write_bytes(path.read_bytes().replace(marked, data.ljust(len(marked))))

    assert "Canary" not in refused(path)
    assert "Canary" not in caplog.text


def test_thousands_of_objects_without_regions_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "image.dcm"
    IMAGES[0].save_as(path, enforce_file_format=True)
    search = RegionSearch(STUDY.early, [StoredObject(path)] * 2000)

    assert search.drawings.found == ()
    assert search.drawings.unreadable == ()
