"""The features of a patch mean what their names say, and the grades are compared as Dunn's test says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import color, feature, filters

from services.model_factory.handlers.patches.features.all import NAMED_BY_PAPER, feature_table, patch_features
from services.model_factory.handlers.patches.features.colour import lab, stains
from services.model_factory.handlers.patches.features.grades import graded_features
from services.model_factory.handlers.patches.features.nuclei import NONE, nuclei, otsu
from services.model_factory.handlers.patches.features.texture import LEVELS, amplitude, band_shares, side_by_side
from shared.pathology.patch_contract import PatchContract
from shared.pathology.stain.fit import STANDARD

COLOUR: Any = color
TEXTURE: Any = feature
FILTERS: Any = filters
"""The judges; scikit-image types little of itself."""
CONTRACT = PatchContract(64.0, 64, 500.0, 0.3, STANDARD, (0.7,) * 3, (0.2,) * 3, 2, "test")


def noise(seed: int = 0, side: int = 24) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3)).astype(np.uint8)


def glass_with_cells(places: list[tuple[int, int]], radius: float = 4.0, side: int = 64) -> NDArray[np.uint8]:
    """A patch of pale eosin with round nuclei, one micrometre a pixel."""
    rows, columns = np.indices((side, side))
    first = np.full((side, side), 0.05)
    for row, column in places:
        first += 0.9 / (1 + np.exp(4 * (np.hypot(rows - row, columns - column) - radius)))
    density = first[..., None] * np.array(STANDARD.haematoxylin) + 0.3 * np.array(STANDARD.eosin)
    return np.asarray(np.rint(255 * np.exp(-density)), dtype=np.uint8)


def test_lab_is_that_of_skimage() -> None:
    rgb = noise()

    found = np.stack(lab(rgb), axis=-1)

    assert found == pytest.approx(COLOUR.rgb2lab(rgb), abs=0.02)


def test_the_amounts_of_both_stains_are_found_again() -> None:
    haematoxylin, eosin = stains(glass_with_cells([(20, 20)]), STANDARD)

    assert haematoxylin[20, 20] == pytest.approx(0.95, abs=0.03)
    assert haematoxylin[50, 50] == pytest.approx(0.05, abs=0.03)
    assert eosin == pytest.approx(0.3, abs=0.04)


def test_the_amplitude_of_a_wave_stands_at_its_frequency_and_the_mean_counts_nothing() -> None:
    wave = 7 + 3 * np.cos(2 * np.pi * 5 * np.arange(32) / 32)[None].repeat(32, axis=0)

    found = amplitude(wave)

    assert found[0, 5] == found[0, 27] == pytest.approx(1.5)
    assert np.delete(found.ravel(), [5, 27]).max() < 1e-12
    assert band_shares(wave) == pytest.approx((0, 1, 0))


def test_what_stands_side_by_side_is_what_skimage_counts() -> None:
    channel = noise(3)[..., 0].astype(np.float64)
    low, high = channel.min(), channel.max()
    level = np.minimum((channel - low) / (high - low) * LEVELS, LEVELS - 1).astype(np.uint8)
    angles = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
    counted = TEXTURE.graycomatrix(level, [1], angles, LEVELS, symmetric=True).sum(axis=(2, 3)).astype(np.float64)
    matrix = (counted / counted.sum())[:, :, None, None]

    contrast, correlation, energy, homogeneity, entropy = side_by_side(channel)

    assert contrast == pytest.approx(TEXTURE.graycoprops(matrix, "contrast")[0, 0])
    assert correlation == pytest.approx(TEXTURE.graycoprops(matrix, "correlation")[0, 0])
    assert energy == pytest.approx(TEXTURE.graycoprops(matrix, "ASM")[0, 0])
    assert homogeneity == pytest.approx(TEXTURE.graycoprops(matrix, "homogeneity")[0, 0])
    assert entropy == pytest.approx(TEXTURE.graycoprops(matrix, "entropy")[0, 0] / np.log(2), rel=1e-6)


def test_an_even_patch_has_no_texture_and_no_nuclei() -> None:
    even = np.full((16, 16, 3), 200, dtype=np.uint8)

    row = patch_features(even, CONTRACT)

    assert row["cell_count"] == 0
    assert row["dft_mean_a"] == pytest.approx(0, abs=1e-9)
    assert all(np.isfinite(one) for one in row.values())
    assert nuclei(np.zeros((16, 16)), 1.0) == NONE


def test_nuclei_are_counted_also_where_they_touch() -> None:
    apart = glass_with_cells([(12, 12), (12, 40), (40, 12), (44, 44)])
    touching = glass_with_cells([(30, 26), (30, 34)])

    rows = [patch_features(one, CONTRACT) for one in (apart, touching)]

    assert [row["cell_count"] for row in rows] == [4, 2]
    assert rows[0]["nuclear_area_mean_um2"] == pytest.approx(np.pi * 4**2, rel=0.15)
    assert rows[0]["nuclear_roundness_mean"] > 0.9
    assert rows[1]["neighbour_distance_mean_um"] == pytest.approx(8, abs=1.5)


def test_the_threshold_is_otsus() -> None:
    values = np.concatenate([np.random.default_rng(1).normal(0, 1, 500), np.random.default_rng(2).normal(6, 1, 300)])

    assert otsu(values) == pytest.approx(float(FILTERS.threshold_otsu(values, 128)), abs=0.1)


def test_there_are_39_features_and_the_three_of_the_paper_are_among_them() -> None:
    names, values = feature_table(np.stack([noise(seed) for seed in range(3)]), CONTRACT)

    assert len(names) == len(set(names)) == 39
    assert set(NAMED_BY_PAPER) <= set(names)
    assert values.shape == (3, 39)
    assert len(np.unique(values[:, names.index("dft_mean_a")])) == 3


def test_grades_are_compared_for_the_patches_that_have_one() -> None:
    probability = np.array([0.2, 0.33, 0.34, 0.39, 0.4, 0.45, 0.5, 0.69, 0.7, 0.9], dtype=np.float32)
    values = np.column_stack([probability, np.ones(10)]).astype(np.float64)

    counts, (rising, even) = graded_features(("rising", "even"), values, probability)

    assert counts == (2, 2, 1, 1, 2)
    assert rising.medians[0] == pytest.approx(0.365)
    assert len(rising.pairs) == 10
    assert all(one.z < 0 for one in rising.pairs)
    assert even.pairs == ()
