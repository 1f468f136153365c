"""The lopsided study is the same study in every orientation, and none of its mirror images."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from shared.phantoms.asymmetric import AXIAL, ORIENTATIONS, Orientation, asymmetric_study, series_of


def places(orientation: Orientation, tilt_degrees: float = 0.0) -> set[tuple[float, ...]]:
    lesion = asymmetric_study(orientation, tilt_degrees=tilt_degrees).lesion
    return {tuple(row) for row in lesion.grid.place(np.argwhere(lesion.bits).astype(float)).round(6)}


def test_there_are_as_many_orientations_as_a_cube_has_with_its_mirror_images() -> None:
    assert len({orientation.name for orientation in ORIENTATIONS}) == 48


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=lambda one: one.name)
def test_the_lesion_lies_in_the_same_places_of_the_patient(orientation: Orientation) -> None:
    assert places(orientation) == places(AXIAL)


def test_no_other_turn_or_mirror_image_of_the_lesion_is_the_lesion() -> None:
    where = np.argwhere(asymmetric_study().lesion.bits)
    shape = {tuple(row) for row in where - where.min(axis=0)}

    fitting = 0
    for order, signs in product(permutations(range(3)), product((1, -1), repeat=3)):
        moved = where[:, order] * np.array(signs)
        fitting += {tuple(row) for row in moved - moved.min(axis=0)} == shape

    assert fitting == 1


def test_the_peak_is_the_brightest_voxel_and_lies_in_the_lesion_on_the_left() -> None:
    study = asymmetric_study(ORIENTATIONS[13])

    assert study.early.voxels.argmax() == np.ravel_multi_index(study.peak, study.early.grid.shape)
    assert study.lesion.bits[study.peak]
    assert study.early.grid.place(np.array(study.peak, dtype=float))[0] == 93.0


@pytest.mark.parametrize("orientation", ORIENTATIONS[::7], ids=lambda one: one.name)
def test_the_headers_of_the_series_say_where_the_grid_lies(orientation: Orientation) -> None:
    early = asymmetric_study(orientation, tilt_degrees=7.0).early

    for index, (image, frame) in enumerate(zip(series_of(early), early.grid.frames, strict=True)):
        row, column = np.array(image.ImageOrientationPatient[:3]), np.array(image.ImageOrientationPatient[3:])
        place = np.array(image.ImagePositionPatient, dtype=float)
        place = place + 2 * image.PixelSpacing[0] * column + 3 * image.PixelSpacing[1] * row
        assert np.allclose(place, early.grid.place(np.array([index, 2.0, 3.0])), atol=1e-4)
        assert np.array_equal(image.pixel_array, early.voxels[index])
        assert image.SOPInstanceUID == frame.sop_instance_uid
        assert image.FrameOfReferenceUID == early.grid.frame_of_reference_uid
