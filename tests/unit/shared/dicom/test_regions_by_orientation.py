"""Left stays left: what is drawn in any orientation comes back at exactly the voxels it was drawn on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shared.dicom.regions import RegionSearch, find_region
from shared.dicom.stored_object import StoredObject
from shared.domain.identity import Side
from shared.domain.images import AutomaticRegion, RegionOrigin
from shared.imaging.region import Region
from shared.imaging.volume import Mask
from shared.phantoms.asymmetric import AXIAL, ORIENTATIONS, AsymmetricStudy, Orientation, asymmetric_study, series_of
from shared.testing.drawn_regions import save, save_mask_file, segmentation, structure_set

EVERY = pytest.mark.parametrize("orientation", ORIENTATIONS, ids=lambda one: one.name)
OBLIQUE = 6.0
"""Degrees: no axis of the voxels is one of the patient."""


def found(study: AsymmetricStudy, *objects: Path, mask_files: tuple[Path, ...] = ()) -> Region:
    search = RegionSearch(study.early, [StoredObject(path) for path in objects], mask_files=mask_files)
    region = find_region(search, automatic=AutomaticRegion.NEVER, side=Side.LEFT)
    assert isinstance(region, Region), region
    assert search.side_of(region.mask) is Side.LEFT
    return region


def assert_same(region: Region, lesion: Mask) -> None:
    assert np.array_equal(region.mask.bits, lesion.bits)
    assert region.mask.grid.frames == lesion.grid.frames
    assert region.remarks == ()


@EVERY
def test_a_segmentation_returns_to_the_source_voxels(orientation: Orientation, tmp_path: Path) -> None:
    study = asymmetric_study(orientation, tilt_degrees=OBLIQUE)
    drawn = segmentation([study.lesion], series_of(study.early))

    assert_same(found(study, save(drawn, tmp_path / "seg.dcm")), study.lesion)


@EVERY
def test_a_structure_set_returns_to_the_source_voxels(orientation: Orientation, tmp_path: Path) -> None:
    study = asymmetric_study(orientation, tilt_degrees=OBLIQUE)
    drawn = structure_set([study.lesion], series_of(study.early))

    region = found(study, save(drawn, tmp_path / "structures.dcm"))

    assert region.origin is RegionOrigin.RTSTRUCT
    assert_same(region, study.lesion)


@EVERY
@pytest.mark.parametrize("name", ["mask.nrrd", "mask.nii.gz"])
def test_a_mask_file_with_any_axes_lands_on_the_voxels_of_an_axial_study(
    orientation: Orientation, name: str, tmp_path: Path
) -> None:
    study, elsewhere = (asymmetric_study(one, tilt_degrees=OBLIQUE) for one in (AXIAL, orientation))

    region = found(study, mask_files=(save_mask_file(elsewhere.lesion, tmp_path / name),))

    assert region.origin is RegionOrigin.MASK_FILE
    assert_same(region, study.lesion)


@EVERY
def test_an_axial_segmentation_lands_on_the_voxels_of_a_study_in_any_orientation(
    orientation: Orientation, tmp_path: Path
) -> None:
    study, axial = (asymmetric_study(one, tilt_degrees=OBLIQUE) for one in (orientation, AXIAL))
    drawn = segmentation([axial.lesion], series_of(axial.early))

    assert_same(found(study, save(drawn, tmp_path / "seg.dcm")), study.lesion)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("patient_position", ["HFP", "FFP", "HFS", "FFS"])
def test_head_or_feet_first_and_reversed_numbering_change_nothing(
    patient_position: str, reverse: bool, tmp_path: Path
) -> None:
    study = asymmetric_study()
    images = series_of(study.early, patient_position=patient_position, reverse=reverse)
    bits = study.lesion.bits[::-1] if reverse else study.lesion.bits
    drawn = segmentation([Mask(np.ascontiguousarray(bits), study.lesion.grid)], images)

    assert_same(found(study, save(drawn, tmp_path / "seg.dcm")), study.lesion)


@EVERY
def test_the_automatic_region_lies_in_the_lesion(orientation: Orientation) -> None:
    study = asymmetric_study(orientation, tilt_degrees=OBLIQUE)
    search = RegionSearch(study.early, pre=study.pre, late=study.late)

    region = find_region(search, automatic=AutomaticRegion.USE, side=Side.LEFT)

    assert isinstance(region, Region)
    assert region.origin is RegionOrigin.AUTOMATIC
    assert not (region.mask.bits & ~study.lesion.bits).any()
    assert region.mask.count >= 0.7 * study.lesion.count
