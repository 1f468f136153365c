"""What the network is given."""

from __future__ import annotations

import numpy as np
import pytest

from shared.pathology.background import is_background
from shared.pathology.patch_contract import PatchContract
from shared.pathology.patches import prepared, resized, scaled
from shared.pathology.stain.fit import STANDARD, fit_stains
from shared.pathology.stain.transform import normalised
from tests.unit.shared.pathology.stained import painted

CONTRACT = PatchContract(
    256.0, 64, 500.0, 0.25, STANDARD, (0.7, 0.5, 0.6), (0.2, 0.25, 0.2), 2, "Swin-T"
)  # fmt: skip


@pytest.mark.parametrize("side", [33, 64, 160])
def test_a_patch_of_any_size_becomes_the_networks(side: int) -> None:
    made = prepared(painted(side), fit_stains(painted().reshape(-1, 3)), CONTRACT)
    assert made.shape == (3, 64, 64)
    assert made.dtype == np.float32
    assert made.flags["C_CONTIGUOUS"]
    assert np.isfinite(made).all()


def test_the_steps_are_resize_then_stain_then_scale() -> None:
    fit = fit_stains(painted().reshape(-1, 3))
    patch = painted(128)
    stained = normalised(resized(patch, 64), fit, STANDARD)
    slow = (stained / 255.0 - np.array(CONTRACT.mean)) / np.array(CONTRACT.deviation)
    assert prepared(patch, fit, CONTRACT) == pytest.approx(slow.transpose(2, 0, 1), abs=1e-5)
    assert np.array_equal(scaled(stained, CONTRACT), prepared(patch, fit, CONTRACT))


def test_shrinking_is_the_average_of_the_area() -> None:
    patch = painted(128)
    blocks = patch.reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
    assert np.abs(resized(patch, 64) - blocks).max() <= 1  # two passes, each rounded


def test_glass_is_background_and_tissue_is_not() -> None:
    draw = np.random.default_rng(2)
    assert is_background(draw.integers(238, 246, (64, 64, 3)).astype(np.uint8), 500.0)
    assert not is_background(painted(64), 500.0)


def test_the_variance_is_that_of_grey_values_from_0_to_255() -> None:
    halves = np.full((10, 10, 3), 100, dtype=np.uint8)
    halves[:, 5:] = 144
    assert is_background(halves, 22.0**2 + 0.1)
    assert not is_background(halves, 22.0**2 - 0.1)
