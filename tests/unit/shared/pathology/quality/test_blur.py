"""Out of focus is told from in focus, whatever the contrast."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from shared.pathology.quality.blur import is_blurred
from tests.unit.shared.pathology.stained import real_slide

CORNERS = {"CMU-1-Small-Region.svs": (1000, 1000), "tcga-cr-7395-01a-01-ts1.svs": (1500, 1500)}


@pytest.mark.shared_data
@pytest.mark.parametrize("name", CORNERS)
@pytest.mark.parametrize("side", [256, 512])
def test_a_real_patch_is_sharp_until_it_is_blurred(shared_data: Path, name: str, side: int) -> None:
    x, y = CORNERS[name]
    patch = real_slide(shared_data, name)[y : y + side, x : x + side]
    assert not is_blurred(patch, 224)
    assert not is_blurred((128 + (patch.astype(float) - 128) * 0.4).astype(np.uint8), 224)
    assert is_blurred(gaussian_filter(patch, (2.0 * side / 224, 2.0 * side / 224, 0)), 224)


def test_a_patch_smaller_than_the_input_is_not_called_blurred_for_that() -> None:
    sharp = np.random.default_rng(1).integers(0, 256, (42, 42, 1), dtype=np.uint8).repeat(3, axis=2)
    assert not is_blurred(sharp, 224)


def test_one_colour_counts_as_blurred() -> None:
    assert is_blurred(np.full((64, 64, 3), 200, dtype=np.uint8), 64)
