"""A real breast lesion, put into DICOM: one volume and a drawn mask beside it suffice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from shared.dicom.breast_mri import read_breast_images
from shared.dicom.stored_object import StoredObject
from shared.domain.images import AutomaticRegion, RegionOrigin
from shared.imaging.dynamic import ImageProblem, ImageTrouble
from shared.imaging.region import BreastImages
from shared.phantoms.mr_series import VolumeGeometry, mr_series
from shared.testing.dicom import save_series

pytestmark = pytest.mark.shared_data


@pytest.fixture
def volume(shared_data: Path, tmp_path: Path) -> tuple[StoredObject, ...]:
    image = SimpleITK.ReadImage(shared_data / "mri" / "breast1_image.nrrd")
    columns, rows, slices = image.GetSpacing()  # type: ignore[no-untyped-call]  # no stubs
    geometry = VolumeGeometry(rows, columns, slices, image.GetOrigin())  # type: ignore[no-untyped-call]
    return tuple(
        StoredObject(path) for path in save_series(mr_series(SimpleITK.GetArrayFromImage(image), geometry), tmp_path)
    )


def test_the_published_lesion_lies_where_it_was_drawn(shared_data: Path, volume: tuple[StoredObject, ...]) -> None:
    mask = shared_data / "mri" / "breast1_label.nrrd"
    images = read_breast_images(volume, automatic=AutomaticRegion.NEVER, confirmed=None, side=None, mask_files=[mask])
    assert isinstance(images, BreastImages), images
    assert images.region.origin is RegionOrigin.MASK_FILE
    assert images.region.mask.count == 143
    assert (images.region.mask.bits == (SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(mask)) > 0)).all()
    assert np.allclose(images.early.grid.spacing.voxel_mm3, 0.664062 * 0.664062 * 2.1)
    assert "one volume" in images.choice.why


def test_without_a_drawn_region_one_volume_does_not(volume: tuple[StoredObject, ...]) -> None:
    trouble = read_breast_images(volume, automatic=AutomaticRegion.USE, confirmed=None, side=None)
    assert isinstance(trouble, ImageTrouble)
    assert trouble.problem is ImageProblem.NO_PRE_CONTRAST
