"""A patch brought to the reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.pathology.patch_contract import StainReference
from shared.pathology.stain.fit import STANDARD, fit_stains
from shared.pathology.stain.lasso import concentrations
from shared.pathology.stain.transform import normalised
from shared.pathology.stain_fit import StainFit
from tests.unit.shared.pathology.stained import painted, vectors


def _as_reference(fit: StainFit) -> StainReference:
    first, second = (tuple(float(n) for n in row) for row in fit.vectors)
    return StainReference(first, second, (float(fit.strengths[0]), float(fit.strengths[1])))  # type: ignore[arg-type]


def test_the_reference_slide_stays_what_it_is() -> None:
    slide = painted()
    fit = fit_stains(slide.reshape(-1, 3))
    once = normalised(slide, fit, _as_reference(fit))
    twice = normalised(once, fit, _as_reference(fit))
    assert np.abs(once.astype(int) - slide).mean() < 2
    assert np.abs(twice.astype(int) - once).mean() < 0.3


def test_another_scanners_slide_gets_the_references_stains_and_strengths() -> None:
    fit = fit_stains(painted(seed=2).reshape(-1, 3))
    there = fit_stains(normalised(painted(seed=2), fit, STANDARD).reshape(-1, 3))
    assert np.abs(there.vectors - np.array([STANDARD.haematoxylin, STANDARD.eosin])).max() < 0.05
    assert there.strengths == pytest.approx(STANDARD.strengths, rel=0.1)


@pytest.mark.parametrize("value", [0, 1, 254, 255])
def test_white_and_black_stay_numbers(value: int) -> None:
    fit = fit_stains(painted().reshape(-1, 3))
    out = normalised(np.full((32, 48, 3), value, dtype=np.uint8), fit, STANDARD)
    assert out.dtype == np.uint8
    assert out.shape == (32, 48, 3)
    assert out.min() >= 250 if value > 200 else out.max() <= 90


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 40))
def test_it_is_what_the_slow_obvious_way_gives(seed: int, height: int, width: int) -> None:
    rgb = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    fit = StainFit(vectors(), np.array([1.4, 0.8]), 0.0, 30.0, "vahadane")
    amounts = concentrations(-np.log(np.maximum(rgb.reshape(-1, 3), 1) / 255.0).T, fit.vectors)
    amounts *= (np.array(STANDARD.strengths) / fit.strengths)[:, None]
    slow = 255 * np.exp(-np.array([STANDARD.haematoxylin, STANDARD.eosin]).T @ amounts).T.reshape(rgb.shape)
    assert np.abs(normalised(rgb, fit, STANDARD) - slow).max() < 0.51
