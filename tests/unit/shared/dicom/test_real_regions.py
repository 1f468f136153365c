"""Real segmentations, structure sets and mask files that nobody here wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
import SimpleITK
from pydicom import dcmread

from shared.dicom.drawing import Meaning
from shared.dicom.mask_file import drawings_in_file
from shared.dicom.region_object import holds_regions, open_region_object
from shared.dicom.regions import RegionSearch, find_region
from shared.dicom.segmentation import drawings_in_segmentation
from shared.dicom.stored_object import StoredObject
from shared.dicom.structure_set import drawings_in_structure_set
from shared.domain.errors import InvalidInputError
from shared.domain.identity import Side
from shared.domain.images import AutomaticRegion, RegionOrigin
from shared.imaging.dynamic import ImageProblem, ImageTrouble
from shared.imaging.region import Region
from shared.imaging.volume import Grid, Volume

ISPY_FRAME_OF_REFERENCE = "1.3.6.1.4.1.14519.5.2.1.7695.1700.172213940908213483760672928659"


def ispy_grid(*, reverse: bool) -> Grid:
    """Return the lattice of the I-SPY 1 study: sagittal, 27 slices 2 mm apart, 0.78125 mm in the plane."""
    affine = np.array([[-2.0, 0, 0, 95.7], [0, 0, 0.78125, -116.409375], [0, -0.78125, 0, 123.609375], [0, 0, 0, 1]])
    if reverse:
        affine[0, 0], affine[0, 3] = 2.0, 43.7
    return Grid((27, 256, 256), affine, ISPY_FRAME_OF_REFERENCE)


@pytest.mark.parametrize("reverse", [False, True])
def test_the_fractional_segmentation_of_ispy_is_read_where_highdicom_has_no_volume_of_it(
    shared_data: Path, reverse: bool
) -> None:
    path = shared_data / "dicom" / "ispy1_1001_breast_seg.dcm"
    expected = dcmread(path).pixel_array >= 128

    (drawing,) = drawings_in_segmentation(open_region_object(StoredObject(path)), {})
    placed = drawing.place(ispy_grid(reverse=reverse))

    assert placed.mask.count == 45_993
    assert placed.exact
    assert np.array_equal(placed.mask.bits[::-1] if reverse else placed.mask.bits, expected)
    assert drawing.side is Side.LEFT


def test_highdicom_still_has_no_volume_of_it(shared_data: Path) -> None:
    with pytest.raises(Exception, match="ReferencedSegmentNumber"):
        highdicom.seg.segread(shared_data / "dicom" / "ispy1_1001_breast_seg.dcm").get_volume()


def test_the_breast_outlined_in_ispy_is_no_tumour_but_says_where_one_is_looked_for(shared_data: Path) -> None:
    path = shared_data / "dicom" / "ispy1_1001_breast_seg.dcm"
    grid = ispy_grid(reverse=False)
    before = np.full(grid.shape, 100, dtype=np.uint16)
    early = before.copy()
    early[9:13, 164:174, 63:73] = 250  # inside the outlined breast
    early[10:16, 30:60, 20:60] = 250  # larger, and outside of it
    late = early - (early > 200) * np.uint16(20) + np.uint16(1)
    volumes = [Volume(voxels, grid) for voxels in (before, early, late)]
    search = RegionSearch(volumes[1], [StoredObject(path)], volumes[0], volumes[2])

    nobody = find_region(search, automatic=AutomaticRegion.NEVER)
    found = find_region(search, automatic=AutomaticRegion.USE, side=Side.LEFT)

    assert isinstance(nobody, ImageTrouble)
    assert nobody.problem is ImageProblem.NO_REGION
    assert "outlines an organ" in nobody.text
    assert isinstance(found, Region)
    assert found.origin is RegionOrigin.AUTOMATIC
    assert found.mask.box == ((9, 164, 63), (13, 174, 73))
    assert "volume of interest that came with the study" in found.method


def test_the_eight_organs_of_a_real_structure_set_are_none_of_them_a_tumour(shared_data: Path) -> None:
    stored = StoredObject(shared_data / "dicom" / "rtstruct.dcm")

    drawings = drawings_in_structure_set(open_region_object(stored))

    assert [drawing.number for drawing in drawings] == list(range(1, 9))
    assert {drawing.meaning for drawing in drawings} == {Meaning.ORGAN}


def test_a_real_structure_fills_the_area_its_contours_enclose(shared_data: Path) -> None:
    data_set = open_region_object(StoredObject(shared_data / "dicom" / "rtstruct.dcm"))
    corners = [
        np.array(one.ContourData, dtype=float).reshape(-1, 3) for one in data_set.ROIContourSequence[6].ContourSequence
    ]
    low = np.concatenate(corners).min(axis=0) - 4
    affine = np.array([[0, 0, 0.5, low[0]], [0, 0.5, 0, low[1]], [2.0, 0, 0, 43.0], [0, 0, 0, 1]])
    area = sum(
        abs(float(np.dot(one[:, 0], np.roll(one[:, 1], 1)) - np.dot(one[:, 1], np.roll(one[:, 0], 1)))) / 2
        for one in corners
    )

    placed = drawings_in_structure_set(data_set)[6].place(Grid((len(corners), 200, 200), affine))

    assert placed.exact
    assert placed.outside == 0
    assert placed.mask.count * 0.25 == pytest.approx(area, rel=0.005)


def test_the_acrin_mask_says_nothing_of_its_place_and_fits_in_two_orders_of_axes(shared_data: Path) -> None:
    (path,) = (shared_data / "mri").glob("ACRIN-6698-*_mask.nii.gz")
    square = Grid((80, 256, 256), np.diag((2.0, 0.7, 0.7, 1.0)))

    with pytest.raises(InvalidInputError, match="more than one order of axes"):
        drawings_in_file(path)[0].place(square)


def test_the_acrin_mask_of_other_dimensions_than_the_images_is_of_another_study(shared_data: Path) -> None:
    (path,) = (shared_data / "mri").glob("ACRIN-6698-*_mask.nii.gz")
    early = Volume(np.full((60, 32, 32), 100, dtype=np.uint16), Grid((60, 32, 32), np.diag((2.0, 0.7, 0.7, 1.0))))

    outcome = find_region(RegionSearch(early, mask_files=(path,)), automatic=AutomaticRegion.USE)

    assert isinstance(outcome, ImageTrouble)
    assert outcome.problem is ImageProblem.REGION_OF_ANOTHER_STUDY
    assert "other dimensions" in outcome.text


def test_the_lesion_of_breast1_lies_on_its_image(shared_data: Path) -> None:
    image: Any = SimpleITK.ReadImage(str(shared_data / "mri" / "breast1_image.nrrd"))
    spacing, origin = image.GetSpacing(), image.GetOrigin()
    affine = np.array(
        [[0, 0, spacing[0], origin[0]], [0, spacing[1], 0, origin[1]], [spacing[2], 0, 0, origin[2]], [0, 0, 0, 1]]
    )
    voxels = SimpleITK.GetArrayFromImage(image)
    search = RegionSearch(
        Volume(voxels, Grid(voxels.shape, affine)), mask_files=(shared_data / "mri" / "breast1_label.nrrd",)
    )

    found = find_region(search, automatic=AutomaticRegion.NEVER)

    assert isinstance(found, Region)
    assert found.mask.count == 143
    assert np.array_equal(
        found.mask.bits,
        SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(shared_data / "mri" / "breast1_label.nrrd"))) > 0,
    )


def test_images_hold_no_regions(shared_data: Path) -> None:
    folder = shared_data / "dicom"

    holding = [path.name for path in sorted(folder.glob("*.dcm")) if holds_regions(StoredObject(path))]

    assert holding == ["ispy1_1001_breast_seg.dcm", "rtstruct.dcm"]
