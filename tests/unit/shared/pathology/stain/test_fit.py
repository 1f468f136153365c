"""What every fit of a slide's stains keeps to, with SPAMS as the judge of the vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.pathology.patch_contract import StainReference
from shared.pathology.stain.density import density
from shared.pathology.stain.fit import LEAST_ANGLE, STANDARD, fit_stains
from shared.pathology.stain.sample import spread, tissue_pixels
from shared.pathology.stain.solver import PENALTY, factorised
from shared.pathology.stain.start import fan_ends, haematoxylin_first
from shared.pathology.stain_fit import StainFit
from tests.unit.shared.pathology.stained import painted, real_slide, real_tiles, vectors

SEPARABLE = ("tiatoolbox_target_image", "torchstain_source")


def _judged(pixels: NDArray[np.uint8], penalty: float) -> NDArray[np.float64]:
    """Return SPAMS' two stains of the same pixels, haematoxylin first."""
    import spams

    seen = np.asfortranarray(density(spread(tissue_pixels(pixels))).T)
    found = spams.trainDL(
        seen, K=2, lambda1=penalty, mode=2, modeD=0, posAlpha=True, posD=True, iter=3000, numThreads=1, verbose=False
    ).T
    return haematoxylin_first(found / np.linalg.norm(found, axis=1, keepdims=True))


def _keeps_to_the_rules(fit: StainFit) -> None:
    assert fit.vectors.shape == (2, 3)
    assert fit.vectors.min() >= 0
    assert np.linalg.norm(fit.vectors, axis=1) == pytest.approx([1, 1], abs=1e-12)
    assert fit.vectors[0, 0] > fit.vectors[1, 0]
    assert np.isfinite(fit.strengths).all()
    assert fit.strengths.min() > 0
    assert 0 <= fit.residual <= 1


def test_painted_stains_are_found() -> None:
    fit = fit_stains(painted().reshape(-1, 3))
    assert (fit.method, fit.fallback) == ("vahadane", "")
    _keeps_to_the_rules(fit)
    assert np.abs(fit.vectors - vectors()).max() < 0.05
    assert fit.residual < 0.05


def test_the_same_pixels_give_the_same_bits() -> None:
    pixels = painted().reshape(-1, 3)
    first, second = fit_stains(pixels), fit_stains(pixels.copy())
    assert first.vectors.tobytes() == second.vectors.tobytes()
    assert first.strengths.tobytes() == second.strengths.tobytes()


@pytest.mark.parametrize("penalty", [PENALTY, 0.1])
def test_painted_stains_are_those_spams_finds(penalty: float) -> None:
    pixels = painted().reshape(-1, 3)
    seen = np.ascontiguousarray(density(spread(tissue_pixels(pixels))).T)
    start = fan_ends(seen)
    assert start is not None
    ours = haematoxylin_first(factorised(seen, start, penalty))
    assert np.abs(ours - _judged(pixels, penalty)).max() < 0.03


@pytest.mark.shared_data
@pytest.mark.parametrize("name", SEPARABLE)
def test_a_real_tile_has_the_stains_spams_finds(shared_data: Path, name: str) -> None:
    pixels = real_tiles(shared_data)[name].reshape(-1, 3)
    fit = fit_stains(pixels)
    assert fit.method == "vahadane"
    _keeps_to_the_rules(fit)
    assert np.abs(fit.vectors - _judged(pixels, PENALTY)).max() < 0.03
    assert fit.residual < 0.1


@pytest.mark.shared_data
def test_cmu_1_is_separable(shared_data: Path) -> None:
    fit = fit_stains(real_slide(shared_data, "CMU-1-Small-Region.svs").reshape(-1, 3)[::3])
    _keeps_to_the_rules(fit)
    assert (fit.method, fit.angle_degrees > 33) == ("vahadane", True)


@pytest.mark.shared_data
def test_the_frozen_section_of_tcga_falls_back_and_says_why(shared_data: Path) -> None:
    fit = fit_stains(real_slide(shared_data, "tcga-cr-7395-01a-01-ts1.svs").reshape(-1, 3)[::3])
    _keeps_to_the_rules(fit)
    assert fit.method == "reference"
    assert f"degrees apart, {LEAST_ANGLE:g} are needed" in fit.fallback


def test_stains_too_close_fall_back_to_the_reference() -> None:
    close = np.array([[0.30, 0.80, 0.50], [0.22, 0.83, 0.47]])
    close /= np.linalg.norm(close, axis=1, keepdims=True)
    fit = fit_stains(painted(stains=close).reshape(-1, 3))
    assert fit.method == "reference"
    assert "degrees apart" in fit.fallback
    assert fit.vectors[0] == pytest.approx(np.array(STANDARD.haematoxylin), abs=1e-3)


def test_a_fallback_stretches_no_stain_by_more_than_two() -> None:
    reference = StainReference(STANDARD.haematoxylin, STANDARD.eosin, (8.0, 9.0))
    close = np.array([vectors()[1], vectors()[1] + [0.02, 0, 0]])
    fit = fit_stains(painted(stains=close / np.linalg.norm(close, axis=1, keepdims=True)).reshape(-1, 3), reference)
    assert fit.fallback
    assert (np.array(reference.strengths) / fit.strengths).max() <= 2


@pytest.mark.parametrize("value", [0, 1, 120, 200, 255])
def test_one_colour_has_no_stains(value: int) -> None:
    fit = fit_stains(np.full((5000, 3), value, dtype=np.uint8))
    _keeps_to_the_rules(fit)
    assert fit.method == "reference"
    assert fit.fallback


def test_too_few_stained_pixels_are_said() -> None:
    glass = np.full((50_000, 3), 244, dtype=np.uint8)
    glass[:200] = painted().reshape(-1, 3)[:200]
    assert "stained pixels were found" in fit_stains(glass).fallback
    assert fit_stains(np.zeros((0, 3), dtype=np.uint8)).method == "reference"


def test_one_stain_alone_is_not_split_in_two() -> None:
    draw = np.random.default_rng(3)
    density_ = draw.gamma(4, 0.25, (20_000, 1)) * vectors()[1]
    fit = fit_stains(np.rint(255 * np.exp(-density_)).astype(np.uint8))
    assert fit.method == "reference"
    assert fit.fallback


def test_a_third_dye_is_not_explained_by_two() -> None:
    draw = np.random.default_rng(4)
    dyes = np.eye(3)[draw.integers(0, 3, 20_000)] * draw.gamma(4, 0.3, (20_000, 1))
    fit = fit_stains(np.rint(255 * np.exp(-dyes)).astype(np.uint8))
    assert "unexplained" in fit.fallback
