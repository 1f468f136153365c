"""Size and enhancement of a region, against numbers counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shared.imaging.quantities import longest_diameter_mm, quantities
from shared.imaging.volume import Mask, Volume
from shared.testing.images import SHAPE, a_grid, some_images


def test_a_study_is_stated_with_spacing_device_size_and_enhancement() -> None:
    found = quantities(some_images())

    assert found["volume_mm3"] == 4 * 8 * 6 * 2.0
    assert found["longest_diameter_mm"] == pytest.approx(np.sqrt(6.0**2 + 7.0**2 + 5.0**2))
    assert (found["spacing_slices_mm"], found["field_tesla"], found["phase_seconds"]) == (2.0, 3.0, 118.0)
    assert found["median_enhancement_percent"] == pytest.approx(160.0)
    assert found["median_signal_enhancement_ratio"] == pytest.approx(1.6)


def test_without_a_pre_contrast_phase_nothing_is_said_of_enhancement() -> None:
    assert not any("enhancement" in name for name in quantities(some_images(pre=None)))


def test_a_ratio_that_means_nothing_in_most_voxels_is_left_out() -> None:
    images = some_images()
    assert images.pre is not None
    flat = replace(images, late=Volume(images.pre.voxels, images.pre.grid))

    assert "median_signal_enhancement_ratio" not in quantities(flat)


def test_the_longest_diameter_is_that_of_all_pairs() -> None:
    random = np.random.default_rng(3)
    bits = random.random(SHAPE) < 0.05
    places = a_grid().place(np.argwhere(bits).astype(np.float64))
    every = np.sqrt(((places[:, None] - places[None]) ** 2).sum(axis=-1)).max()

    assert longest_diameter_mm(Mask(bits, a_grid())) == pytest.approx(every)
