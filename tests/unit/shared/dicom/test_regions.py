"""Which region is measured, and the reason where none is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from shared.dicom.own_output import MANUFACTURER
from shared.dicom.regions import RegionSearch, find_region, find_second_mask
from shared.dicom.stored_object import StoredObject
from shared.domain.identity import Side
from shared.domain.images import AutomaticRegion, RegionOrigin
from shared.imaging.dynamic import FrameHeader, ImageProblem, ImageTrouble
from shared.imaging.region import Region
from shared.imaging.volume import Grid, Mask, Volume
from shared.phantoms.asymmetric import AsymmetricStudy, asymmetric_study, series_of
from shared.testing.drawn_regions import save, save_mask_file, segmentation, structure_set

STUDY = asymmetric_study()
IMAGES = series_of(STUDY.early)
Outcome = Region | ImageTrouble


def mirrored(mask: Mask) -> Mask:
    """Return the mask on the other side of the patient."""
    return Mask(np.ascontiguousarray(mask.bits[:, :, ::-1]), mask.grid)


def part(mask: Mask, voxels: int) -> Mask:
    bits = np.zeros(mask.grid.shape, dtype=np.bool_)
    bits[tuple(np.argwhere(mask.bits)[:voxels].T)] = True
    return Mask(bits, mask.grid)


def box(mask: Mask, start: tuple[int, int, int], stop: tuple[int, int, int]) -> Mask:
    bits = np.zeros(mask.grid.shape, dtype=np.bool_)
    bits[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))] = True
    return Mask(bits, mask.grid)


def headers(study: AsymmetricStudy, *, laterality: str = "", description: str = "") -> list[FrameHeader]:
    return [
        FrameHeader(
            frame, "1.2.3", 2, "1.2.840.10008.5.1.4.1.1.4", "MR", "", *study.early.grid.shape[1:], (5.0, 6.0),
            None, None, laterality=laterality, description=description,
        )
        for frame in study.early.grid.frames
    ]  # fmt: skip


@pytest.fixture
def kept(tmp_path: Path) -> Callable[[Dataset], StoredObject]:
    def keep(data_set: Dataset) -> StoredObject:
        return StoredObject(save(data_set, tmp_path / f"{data_set.SOPInstanceUID}.dcm"))

    return keep


Keep = Callable[[Dataset], StoredObject]


def search(*objects: StoredObject, study: AsymmetricStudy = STUDY, **more: object) -> RegionSearch:
    return RegionSearch(study.early, objects, study.pre, study.late, **more)  # type: ignore[arg-type]


def asked(search_: RegionSearch, side: Side | None = None) -> Outcome:
    return find_region(search_, automatic=AutomaticRegion.NEVER, side=side)


def trouble(outcome: Outcome) -> ImageProblem:
    assert isinstance(outcome, ImageTrouble), outcome
    return outcome.problem


def text(outcome: Outcome) -> str:
    assert isinstance(outcome, ImageTrouble), outcome
    return outcome.text


def region(outcome: Outcome) -> Region:
    assert isinstance(outcome, Region), outcome
    return outcome


# What is chosen.


def test_a_segmentation_comes_before_a_structure_set_a_mask_file_and_the_automatic_region(
    kept: Keep, tmp_path: Path
) -> None:
    drawn = kept(segmentation([STUDY.lesion], IMAGES))
    structures = kept(structure_set([STUDY.lesion], IMAGES))
    files = (save_mask_file(STUDY.lesion, tmp_path / "mask.nrrd"),)

    origins = [
        region(find_region(one, automatic=AutomaticRegion.USE)).origin
        for one in (
            search(structures, drawn, mask_files=files),
            search(structures, mask_files=files),
            search(mask_files=files),
            search(),
        )
    ]

    assert origins == [RegionOrigin.SEG, RegionOrigin.RTSTRUCT, RegionOrigin.MASK_FILE, RegionOrigin.AUTOMATIC]


def test_a_region_says_which_object_and_segment_it_comes_from_and_how_it_was_drawn(kept: Keep) -> None:
    drawn = segmentation([STUDY.lesion], IMAGES)

    found = region(asked(search(kept(drawn))))

    assert found.source_instance_uid == drawn.SOPInstanceUID
    assert found.segment_number == 1
    assert found.method == "DICOM segmentation, drawn by hand"
    assert found.author == "a person"


def test_a_fraction_of_a_half_belongs_to_the_region_and_less_does_not(kept: Keep) -> None:
    drawn = segmentation([STUDY.lesion], IMAGES, kind="FRACTIONAL", max_fractional_value=200)
    values = np.frombuffer(drawn.PixelData, dtype=np.uint8).copy()
    first, second = np.flatnonzero(values == 200)[:2]
    values[first], values[second] = 100, 99
    drawn.PixelData = values.tobytes()

    found = region(asked(search(kept(drawn))))

    assert (STUDY.lesion.bits & ~found.mask.bits).sum() == 1
    assert "half" in found.method


def test_of_several_segments_the_tumour_is_measured_and_not_the_breast(kept: Keep) -> None:
    breast = box(STUDY.lesion, (3, 3, 26), (12, 16, 40))
    drawn = segmentation([breast, STUDY.lesion], IMAGES, labels=["Breast", "Lesion"])
    drawn.SegmentSequence[0].SegmentedPropertyCategoryCodeSequence[0].CodeValue = "85756007"  # tissue
    drawn.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].CodeMeaning = "Breast"

    found = region(asked(search(kept(drawn))))

    assert found.segment_number == 2
    assert found.remarks == ()


def test_of_several_tumours_the_largest_is_measured_and_that_is_said(kept: Keep) -> None:
    small = box(STUDY.lesion, (8, 11, 35), (11, 14, 38))

    found = region(asked(search(kept(segmentation([small, STUDY.lesion], IMAGES)))))

    assert found.segment_number == 2
    assert found.remarks == ("2 regions are drawn in one object: the largest of them is measured",)


def test_a_tumour_that_is_called_the_primary_is_measured_though_another_is_larger(kept: Keep) -> None:
    small = box(STUDY.lesion, (8, 11, 35), (11, 14, 38))
    drawn = segmentation([STUDY.lesion, small], IMAGES, labels=["Satellite lesion", "Primary lesion"])

    found = region(asked(search(kept(drawn))))

    assert found.segment_number == 2
    assert "named as the first" in found.remarks[0]


def test_of_several_tumours_in_one_mask_file_the_largest_is_measured(tmp_path: Path) -> None:
    small = box(STUDY.lesion, (8, 11, 35), (11, 14, 38))
    image: Any = SimpleITK.GetImageFromArray((STUDY.lesion.bits * 2 + small.bits).astype(np.uint8).transpose())
    path = save_mask_file(STUDY.lesion, tmp_path / "plain.nrrd")
    image.CopyInformation(SimpleITK.ReadImage(str(path)))
    for number, name in enumerate(("Lesion b", "Lesion a")):
        image.SetMetaData(f"Segment{number}_LabelValue", str(number + 1))
        image.SetMetaData(f"Segment{number}_Name", name)
    SimpleITK.WriteImage(image, str(tmp_path / "mask.seg.nrrd"))

    found = region(asked(search(mask_files=(tmp_path / "mask.seg.nrrd",))))

    assert np.array_equal(found.mask.bits, STUDY.lesion.bits)
    assert found.remarks == ("2 regions are drawn in one object: the largest of them is measured",)


def test_the_newest_of_several_segmentations_is_measured(kept: Keep) -> None:
    older, newer = (segmentation([STUDY.lesion], IMAGES, seed=seed) for seed in ("b", "a"))
    older.ContentDate, newer.ContentDate = "20260101", "20260102"

    found = region(asked(search(kept(older), kept(newer))))

    assert found.source_instance_uid == newer.SOPInstanceUID
    assert found.remarks == ("2 regions came with the study: one of the newest object is measured",)


def test_a_node_is_not_the_primary_tumour(kept: Keep) -> None:
    drawn = segmentation([STUDY.lesion], IMAGES, labels=["Axillary lymph node metastasis"])

    assert trouble(asked(search(kept(drawn)))) is ImageProblem.NO_REGION


def test_an_outlined_breast_limits_where_a_tumour_is_looked_for(kept: Keep) -> None:
    bits = STUDY.early.voxels > 0
    half = np.zeros_like(bits)
    half[:, :, :23] = bits[:, :, :23]
    drawn = segmentation([Mask(half, STUDY.lesion.grid)], IMAGES, labels=["Breast"])
    drawn.SegmentSequence[0].SegmentedPropertyCategoryCodeSequence[0].CodeValue = "85756007"
    drawn.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].CodeMeaning = "Breast"
    stored = kept(drawn)

    assert trouble(asked(search(stored))) is ImageProblem.NO_REGION
    found = find_region(search(stored), automatic=AutomaticRegion.USE)
    assert trouble(found) is ImageProblem.NO_REGION  # the lesion lies in the other breast


def test_what_this_system_wrote_is_never_read(kept: Keep) -> None:
    by_name, by_device, by_creator = (segmentation([STUDY.lesion], IMAGES, seed=seed) for seed in "abc")
    by_name.Manufacturer = MANUFACTURER
    by_device.DeviceUID = by_creator.InstanceCreatorUID = "2.25.7"

    found = asked(search(kept(by_name), kept(by_device), kept(by_creator), device_uid="2.25.7"))

    assert trouble(found) is ImageProblem.NO_REGION


def test_a_confirmed_region_is_used_whatever_else_there_is(kept: Keep) -> None:
    stored = kept(segmentation([mirrored(STUDY.lesion)], IMAGES))

    found = find_region(search(stored), automatic=AutomaticRegion.NEVER, confirmed=STUDY.lesion)

    assert region(found).origin is RegionOrigin.PERSON
    assert np.array_equal(region(found).mask.bits, STUDY.lesion.bits)


def test_a_second_reader_of_the_same_tumour_is_found_and_one_of_another_is_not(kept: Keep) -> None:
    first, second, other = (
        segmentation([mask], IMAGES, seed=seed)
        for seed, mask in (("a", STUDY.lesion), ("b", part(STUDY.lesion, 30)), ("c", mirrored(STUDY.lesion)))
    )
    first.ContentDate, second.ContentDate, other.ContentDate = "20260103", "20260102", "20260101"
    whole = search(kept(first), kept(second), kept(other))

    found = find_second_mask(whole, region(asked(whole, Side.LEFT)))
    alone = search(kept(first), kept(other))

    assert found is not None
    assert found.count == 30
    assert find_second_mask(alone, region(asked(alone, Side.LEFT))) is None


def test_a_mask_on_a_finer_lattice_takes_the_nearest_voxel_and_says_so(tmp_path: Path) -> None:
    fine = Grid(
        tuple(2 * n for n in STUDY.lesion.grid.shape),  # type: ignore[arg-type]
        STUDY.lesion.grid.affine @ np.array([[0.5, 0, 0, -0.25], [0, 0.5, 0, -0.25], [0, 0, 0.5, -0.25], [0, 0, 0, 1]]),
    )
    bits = STUDY.lesion.bits.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    path = save_mask_file(Mask(bits, fine), tmp_path / "mask.nrrd")

    found = region(asked(search(mask_files=(path,))))

    assert np.array_equal(found.mask.bits, STUDY.lesion.bits)
    assert "another lattice" in found.remarks[0]


# How it may be stored.


@pytest.mark.parametrize(
    ("kind", "syntax"),
    [
        ("BINARY", ExplicitVRLittleEndian),  # PS3.5 8.2: single bits are not compressed
        ("FRACTIONAL", ExplicitVRLittleEndian),
        ("FRACTIONAL", RLELossless),
        ("FRACTIONAL", JPEGLSLossless),
        ("LABELMAP", ExplicitVRLittleEndian),
        ("LABELMAP", RLELossless),
    ],
)
def test_every_kind_of_segmentation_in_every_encoding_gives_the_same_voxels(kind: str, syntax: UID, kept: Keep) -> None:
    drawn = segmentation([STUDY.lesion], IMAGES, kind=kind, transfer_syntax_uid=syntax)

    found = region(asked(search(kept(drawn))))

    assert np.array_equal(found.mask.bits, STUDY.lesion.bits)


@pytest.mark.parametrize("implicit", [False, True])
def test_lengths_that_are_not_stated_and_implicit_vrs_change_nothing(implicit: bool, tmp_path: Path) -> None:
    drawn = segmentation([STUDY.lesion], IMAGES)
    for element in drawn.iterall():
        if element.VR == "SQ":
            element.is_undefined_length = True
    drawn.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    plain = Dataset(drawn)
    plain.file_meta = drawn.file_meta
    plain.save_as(tmp_path / "seg.dcm", implicit_vr=implicit, little_endian=True, enforce_file_format=True)

    found = region(asked(search(StoredObject(tmp_path / "seg.dcm"))))

    assert np.array_equal(found.mask.bits, STUDY.lesion.bits)


def test_a_frame_that_names_no_segment_belongs_to_none_of_several(kept: Keep) -> None:
    drawn = segmentation([STUDY.lesion, mirrored(STUDY.lesion)], IMAGES)
    for group in drawn.PerFrameFunctionalGroupsSequence:
        if group.SegmentIdentificationSequence[0].ReferencedSegmentNumber == 2:
            del group.SegmentIdentificationSequence

    found = region(asked(search(kept(drawn))))

    assert np.array_equal(found.mask.bits, STUDY.lesion.bits)
    assert "is empty" in found.remarks[-1]


# What is refused.


def test_a_region_in_another_frame_of_reference_belongs_to_another_study(kept: Keep) -> None:
    other = asymmetric_study(seed="other")
    drawn = segmentation([other.lesion], series_of(other.early, seed="other"))

    assert trouble(asked(search(kept(drawn)))) is ImageProblem.REGION_OF_ANOTHER_STUDY


def test_a_structure_set_of_another_study_is_refused(kept: Keep) -> None:
    other = asymmetric_study(seed="other")
    drawn = structure_set([other.lesion], series_of(other.early, seed="other"))

    assert trouble(asked(search(kept(drawn)))) is ImageProblem.REGION_OF_ANOTHER_STUDY


def test_a_region_drawn_on_images_that_are_not_there_and_without_frame_of_reference_is_refused(kept: Keep) -> None:
    drawn = segmentation([STUDY.lesion], series_of(STUDY.early, seed="elsewhere"))
    del drawn.FrameOfReferenceUID

    assert trouble(asked(search(kept(drawn), headers=headers(STUDY)))) is ImageProblem.REGION_OF_ANOTHER_STUDY


def test_a_region_drawn_on_a_series_that_did_not_come_is_used_in_the_same_frame_of_reference(kept: Keep) -> None:
    images = series_of(STUDY.early, number=9)

    found = region(asked(search(kept(segmentation([STUDY.lesion], images)))))

    assert "did not come with the study" in found.remarks[0]


def test_frames_without_a_place_are_put_where_the_images_they_refer_to_are(kept: Keep) -> None:
    drawn = segmentation([STUDY.lesion], IMAGES)
    for group in drawn.PerFrameFunctionalGroupsSequence:
        del group.PlanePositionSequence
    grid = STUDY.early.grid
    placed = [
        replace(header, position=tuple(grid.place(np.array([n, 0.0, 0.0]))), orientation=(1.0, 0, 0, 0, 1.0, 0))
        for n, header in enumerate(headers(STUDY))
    ]

    found = region(asked(search(kept(drawn), headers=placed)))

    assert np.array_equal(found.mask.bits, STUDY.lesion.bits)


def test_an_empty_region_is_refused(kept: Keep) -> None:
    drawn = segmentation([STUDY.lesion], IMAGES)
    drawn.PixelData = bytes(len(drawn.PixelData))

    assert trouble(asked(search(kept(drawn)))) is ImageProblem.EMPTY_REGION


@pytest.mark.parametrize(
    ("voxels", "problem"), [(3, ImageProblem.REGION_TOO_SMALL), (26, ImageProblem.REGION_TOO_SMALL)]
)
def test_a_region_of_few_voxels_is_refused(kept: Keep, voxels: int, problem: ImageProblem) -> None:
    outcome = asked(search(kept(segmentation([part(STUDY.lesion, voxels)], IMAGES))))

    assert trouble(outcome) is ImageProblem.REGION_TOO_SMALL
    assert f"{voxels} voxels" in text(outcome)


def test_a_line_of_voxels_is_refused(kept: Keep) -> None:
    line = box(STUDY.lesion, (7, 18, 8), (8, 19, 38))

    assert trouble(asked(search(kept(segmentation([line], IMAGES))))) is ImageProblem.REGION_TOO_SMALL


def test_a_region_in_the_air_is_refused(kept: Keep) -> None:
    air = box(STUDY.lesion, (2, 0, 20), (8, 4, 26))

    outcome = asked(search(kept(segmentation([air], IMAGES))))

    assert trouble(outcome) is ImageProblem.REGION_OUTSIDE


def test_a_region_beyond_the_images_is_refused(tmp_path: Path) -> None:
    grid = STUDY.lesion.grid
    away = grid.affine.copy()
    away[2, 3] += 40.0
    path = save_mask_file(Mask(STUDY.lesion.bits, Grid(grid.shape, away)), tmp_path / "mask.nii.gz")

    assert trouble(asked(search(mask_files=(path,)))) is ImageProblem.REGION_OUTSIDE


def test_a_region_on_the_other_side_than_is_asked_about_is_refused(kept: Keep) -> None:
    stored = kept(segmentation([STUDY.lesion], IMAGES))

    outcome = asked(search(stored), Side.RIGHT)

    assert trouble(outcome) is ImageProblem.SIDE_CONFLICT
    assert "left" in text(outcome)
    assert "right" in text(outcome)


def test_a_region_on_the_other_side_than_the_header_of_the_images_says_is_refused(kept: Keep) -> None:
    stored = kept(segmentation([STUDY.lesion], IMAGES))

    assert trouble(asked(search(stored, headers=headers(STUDY, laterality="R")))) is ImageProblem.SIDE_CONFLICT
    assert isinstance(asked(search(stored, headers=headers(STUDY, laterality="L"))), Region)


def test_a_segmentation_that_names_the_other_side_than_it_lies_on_is_refused(kept: Keep) -> None:
    drawn = segmentation([STUDY.lesion], IMAGES)
    drawn.Laterality = "R"

    assert trouble(asked(search(kept(drawn)))) is ImageProblem.SIDE_CONFLICT


def test_a_confirmed_region_on_the_wrong_side_is_refused() -> None:
    outcome = find_region(search(), automatic=AutomaticRegion.NEVER, confirmed=STUDY.lesion, side=Side.RIGHT)

    assert trouble(outcome) is ImageProblem.SIDE_CONFLICT


def test_a_confirmed_region_of_another_study_is_refused() -> None:
    other = asymmetric_study(seed="other")

    outcome = find_region(search(), automatic=AutomaticRegion.NEVER, confirmed=other.lesion)

    assert trouble(outcome) is ImageProblem.REGION_OF_ANOTHER_STUDY


def test_the_side_asked_about_is_compared_with_the_header_where_one_breast_is_imaged(kept: Keep) -> None:
    grid = STUDY.early.grid
    one = [Volume(v.voxels[:, :, 23:], grid.part((0, 0, 23), grid.shape)) for v in (STUDY.pre, STUDY.early, STUDY.late)]
    lesion = Mask(STUDY.lesion.bits[:, :, 23:], one[1].grid)
    study = AsymmetricStudy(one[0], one[1], one[2], lesion, (0, 0, 0))
    named = headers(study, laterality="L")
    drawn = kept(segmentation([lesion], series_of(study.early)))

    assert isinstance(asked(search(drawn, study=study, headers=named), Side.LEFT), Region)
    assert trouble(asked(search(drawn, study=study, headers=named), Side.RIGHT)) is ImageProblem.SIDE_CONFLICT


def test_tumours_drawn_in_both_breasts_need_a_side(kept: Keep) -> None:
    stored = kept(segmentation([STUDY.lesion, mirrored(STUDY.lesion)], IMAGES))

    assert trouble(asked(search(stored))) is ImageProblem.BILATERAL
    assert region(asked(search(stored), Side.LEFT)).segment_number == 1
    assert region(asked(search(stored), Side.RIGHT)).segment_number == 2


def test_what_cannot_be_used_is_refused_and_nothing_automatic_takes_its_place(kept: Keep) -> None:
    stored = kept(segmentation([part(STUDY.lesion, 3)], IMAGES))

    assert trouble(find_region(search(stored), automatic=AutomaticRegion.USE)) is ImageProblem.REGION_TOO_SMALL


def test_a_bad_region_beside_a_good_one_is_only_remarked(kept: Keep) -> None:
    bad, good = segmentation([part(STUDY.lesion, 3)], IMAGES, seed="a"), segmentation([STUDY.lesion], IMAGES, seed="b")

    found = region(asked(search(kept(bad), kept(good))))

    assert found.source_instance_uid == good.SOPInstanceUID
    assert "another region was not used" in found.remarks[-1]


# What the automatic region needs.


def test_without_a_phase_before_contrast_no_region_is_found() -> None:
    outcome = find_region(RegionSearch(STUDY.early), automatic=AutomaticRegion.USE)

    assert trouble(outcome) is ImageProblem.NO_PRE_CONTRAST


def test_without_a_late_phase_the_region_rests_on_enhancement_and_says_so() -> None:
    found = find_region(RegionSearch(STUDY.early, pre=STUDY.pre), automatic=AutomaticRegion.USE)

    assert "no late phase" in region(found).method
    assert "no late phase" in region(found).remarks[0]


def test_a_region_that_waits_for_confirmation_is_returned_as_an_automatic_one() -> None:
    found = find_region(search(), automatic=AutomaticRegion.CONFIRM)

    assert region(found).origin is RegionOrigin.AUTOMATIC


def test_beside_an_implant_nothing_is_outlined_automatically_and_what_is_drawn_is_remarked(kept: Keep) -> None:
    named = headers(STUDY, description="AX T2 SILICONE ONLY")
    drawn = kept(segmentation([STUDY.lesion], IMAGES))

    outcome = find_region(search(headers=named), automatic=AutomaticRegion.USE)

    assert trouble(outcome) is ImageProblem.IMPLANT
    assert "implants are likely" in region(asked(search(drawn, headers=named))).remarks[0]


def test_tumours_in_both_breasts_need_a_side_for_an_automatic_region_too() -> None:
    both = STUDY.lesion.bits | mirrored(STUDY.lesion).bits
    early, late = (Volume(np.where(both, np.uint16(900), v.voxels), v.grid) for v in (STUDY.early, STUDY.late))
    study = AsymmetricStudy(STUDY.pre, early, late, STUDY.lesion, STUDY.peak)

    outcome = find_region(search(study=study), automatic=AutomaticRegion.USE)
    right = find_region(search(study=study), automatic=AutomaticRegion.USE, side=Side.RIGHT)

    assert trouble(outcome) is ImageProblem.BILATERAL
    assert search(study=study).side_of(region(right).mask) is Side.RIGHT


def test_an_automatic_region_on_the_other_side_than_is_asked_about_is_none() -> None:
    outcome = find_region(search(), automatic=AutomaticRegion.USE, side=Side.RIGHT)

    assert trouble(outcome) is ImageProblem.SIDE_CONFLICT


def test_a_header_that_names_the_other_side_stops_an_automatic_region() -> None:
    outcome = find_region(search(headers=headers(STUDY, laterality="R")), automatic=AutomaticRegion.USE)

    assert trouble(outcome) is ImageProblem.SIDE_CONFLICT


def test_where_the_site_allows_none_nobody_drew_one() -> None:
    assert trouble(find_region(search(), automatic=AutomaticRegion.NEVER)) is ImageProblem.NO_REGION
