"""A simulated study is read as it was made: the right phase, the right place, everything else turned down."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shared.dicom.breast_mri import read_breast_images
from shared.dicom.stored_object import StoredObject
from shared.domain.identity import Side
from shared.domain.images import AutomaticRegion, RegionOrigin
from shared.imaging.region import BreastImages
from shared.phantoms.dce.attributes import StudyLabel
from shared.phantoms.dce.patient import SimulatedStudy, make_patient
from shared.phantoms.dce.scanners import Storing, small_scanner
from shared.phantoms.dce.storing import full_study
from shared.phantoms.dce.tumour import Lesion
from shared.phantoms.dce.writing import write_objects


def _read(storing: Storing, folder: Path, *, segmented: bool) -> tuple[SimulatedStudy, BreastImages]:
    study = make_patient(np.random.default_rng(3), small_scanner(storing, (16, 48, 48)), Lesion(0.5, 24.0))
    paths = write_objects(full_study(study, StudyLabel("read", side=Side.LEFT), segmented=segmented), folder)
    objects = [StoredObject(path) for path in paths]
    found = read_breast_images(objects, automatic=AutomaticRegion.USE, confirmed=None, side=Side.LEFT)
    assert isinstance(found, BreastImages)
    return study, found


@pytest.mark.parametrize("storing", list(Storing))
def test_the_early_phase_and_the_drawn_region_come_back_voxel_for_voxel(storing: Storing, tmp_path: Path) -> None:
    study, found = _read(storing, tmp_path, segmented=True)

    assert np.array_equal(found.early.voxels, study.phases[1].voxels)
    assert found.early.grid.same_place(study.mask.grid)
    assert found.region.origin is RegionOrigin.SEG
    assert np.array_equal(found.region.mask.bits, study.mask.bits)


@pytest.mark.parametrize("storing", list(Storing))
def test_the_functional_tumour_volume_finds_the_tumour_nobody_drew(storing: Storing, tmp_path: Path) -> None:
    study, found = _read(storing, tmp_path, segmented=False)
    both = int((found.region.mask.bits & study.mask.bits).sum())

    assert found.region.origin is RegionOrigin.AUTOMATIC
    assert 2 * both / (found.region.mask.count + study.mask.count) > 0.75
