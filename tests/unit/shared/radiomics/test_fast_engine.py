"""The fast engine against pyradiomics called as its manual says: every feature of every preset, to 1e-9 relative."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from shared.domain.errors import InvalidInputError
from shared.imaging.volume import Mask, Volume, Voxels
from shared.predictors.imaging import RadiomicsSettings
from shared.radiomics.fast import FastEngine
from shared.radiomics.filters import filtered
from shared.radiomics.names import PAPER, ImageType
from shared.radiomics.plain import PlainEngine
from shared.radiomics.prepared import Prepared
from tests.mri import Case, ball, grid_of, real_case

PUBLISHED = RadiomicsSettings(
    bin_width=25, bin_count=None, normalise=False, voxel_array_shift=2000, resampled_mm=None
)  # fmt: skip
EVERY_SETTING = {
    "A": RadiomicsSettings(),
    "B": RadiomicsSettings(preset="B"),
    "C": RadiomicsSettings(preset="C"),
    "A, not resampled": RadiomicsSettings(resampled_mm=None),
    "A, 3 mm": RadiomicsSettings(resampled_mm=(2.0, 2.0, 3.0)),
    "A, as published": PUBLISHED,
    "B, as published": RadiomicsSettings(
        preset="B", bin_width=5, bin_count=None, normalise=False, voxel_array_shift=0, resampled_mm=None
    ),
}


def assert_same(case: Case, settings: RadiomicsSettings) -> None:
    plain = PlainEngine().measure(*case, settings)

    fast = FastEngine().measure(*case, settings)

    assert tuple(fast) == tuple(plain)
    for name, value in plain.items():
        assert fast[name] == pytest.approx(value, rel=1e-9, abs=0), name


@pytest.mark.parametrize("settings", EVERY_SETTING.values(), ids=EVERY_SETTING.keys())
def test_every_feature_is_that_of_plain_pyradiomics(settings: RadiomicsSettings) -> None:
    assert_same(ball(), settings)


@pytest.mark.shared_data
@pytest.mark.parametrize("case", ["breast1", "brain1"])
@pytest.mark.parametrize("settings", [RadiomicsSettings(), PUBLISHED], ids=["default", "published"])
def test_on_real_images_too(shared_data: Path, case: str, settings: RadiomicsSettings) -> None:
    assert_same(real_case(shared_data, case), settings)


@pytest.mark.parametrize("sides", [(20, 21, 31), (31, 20, 21), (19, 33, 20)])
@pytest.mark.parametrize("corner", [0, 1])
def test_a_region_at_the_edge_of_an_image_with_odd_sides_is_measured_alike(
    sides: tuple[int, int, int], corner: int
) -> None:
    """The wavelet wraps around there, and an odd axis is continued by one voxel first."""
    grid = grid_of(sides, (1.5, 0.8, 0.8))
    rng = np.random.default_rng(sides)
    bits = np.zeros(sides, dtype=np.bool_)
    part = slice(0, 7) if corner == 0 else slice(-7, None)
    bits[part, part, part] = rng.random((7, 7, 7)) < 0.8

    assert_same((Volume(rng.normal(300, 80, sides), grid), Mask(bits, grid)), RadiomicsSettings(resampled_mm=None))


@pytest.mark.parametrize("shape", ["scattered", "two parts", "one line of two voxels"])
def test_odd_regions_are_measured_alike(shape: str) -> None:
    """Directions without a pair of voxels, voxels without a neighbour, zones apart."""
    image, _ = ball(16)
    bits = np.zeros(image.grid.shape, dtype=np.bool_)
    if shape == "scattered":
        bits = np.random.default_rng(0).random(bits.shape) < 0.02
    elif shape == "two parts":
        bits[2:6, 2:6, 2:6] = bits[9:13, 8:14, 9:12] = True
    else:
        bits[3, 3, 3] = bits[5, 5, 5] = bits[6, 5, 5] = True

    assert_same((image, Mask(bits, image.grid)), RadiomicsSettings(resampled_mm=None))


def test_negative_intensities_and_ties_are_measured_alike() -> None:
    image, mask = ball()
    coarse = (image.voxels // 60 * 60 - 300).astype(np.int16)

    assert_same((Volume(coarse, image.grid), mask), PUBLISHED)


def test_a_small_region_in_a_large_image_is_measured_alike() -> None:
    """Recursive filters are carried on in the region's box only."""
    grid = grid_of((40, 48, 44), (2.0, 0.9, 0.7))
    bits = np.zeros(grid.shape, dtype=np.bool_)
    bits[18:27, 20:31, 25:34] = True

    assert_same(
        (Volume(np.random.default_rng(0).normal(300, 80, grid.shape), grid), Mask(bits, grid)),
        RadiomicsSettings(resampled_mm=None),
    )


def test_two_cores_give_the_very_same_numbers() -> None:
    assert FastEngine(cores=2).measure(*ball(), RadiomicsSettings()) == FastEngine().measure(
        *ball(), RadiomicsSettings()
    )


def test_what_fails_in_the_second_process_fails_here() -> None:
    """A flat region has no pattern; with one feature the job may run in either process."""
    image, mask = ball()
    flat = Volume(np.where(mask.bits, 300.0, 1.0), image.grid)
    settings = RadiomicsSettings(normalise=False, resampled_mm=None)

    for engine in (FastEngine(cores=2), FastEngine(), PlainEngine()):
        with pytest.raises(InvalidInputError, match="cannot be measured"):
            engine.measure(Volume(np.zeros_like(flat.voxels), flat.grid), mask, settings)


def test_named_features_need_only_their_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def noted(kind: ImageType, of: Prepared) -> Iterator[tuple[str, Voxels]]:
        made.append(kind.name)
        return filtered(kind, of)

    monkeypatch.setattr("shared.radiomics.fast.filtered", noted)

    FastEngine().measure(*ball(), RadiomicsSettings(), PAPER)

    assert made == ["Wavelet", "Square", "SquareRoot", "Exponential", "LoG", "LBP3D"]
