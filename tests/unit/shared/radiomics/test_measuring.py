from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.special

from shared.domain.errors import InvalidInputError, NotFoundError
from shared.imaging.volume import Mask, Volume
from shared.predictors.imaging import Preset, RadiomicsSettings
from shared.radiomics import installed
from shared.radiomics.engine import installed_engine, required_engine
from shared.radiomics.names import PAPER, feature_names
from shared.radiomics.parameters import parameter_file
from shared.radiomics.plain import PlainEngine
from shared.radiomics.sitk_images import sitk_image, sitk_mask
from tests.mri import ball, grid_of

SETTINGS = RadiomicsSettings()


@pytest.mark.parametrize("preset", ["A", "B", "C"])
def test_a_measurement_gives_exactly_the_presets_1781_features(preset: Preset) -> None:
    found = required_engine().measure(*ball(), RadiomicsSettings(preset=preset))

    assert tuple(found) == feature_names(preset)


def test_named_features_are_those_of_the_whole_preset() -> None:
    engine, case = required_engine(), ball()

    few = engine.measure(*case, SETTINGS, PAPER)

    whole = engine.measure(*case, SETTINGS)
    assert few == {name: whole[name] for name in whole if name in PAPER}


# Of pykwalify, which reads the parameter file.
@pytest.mark.filterwarnings("ignore:.*load_module:DeprecationWarning")
def test_pyradiomics_reads_our_parameter_file_and_gives_the_same(tmp_path: Path) -> None:
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    (tmp_path / "parameters.yaml").write_text(parameter_file(SETTINGS))
    image, mask = ball()

    with installed.former_scipy():
        theirs = RadiomicsFeatureExtractor(str(tmp_path / "parameters.yaml")).execute(
            sitk_image(image), sitk_mask(mask)
        )

    ours = PlainEngine().measure(image, mask, SETTINGS)
    assert {name: float(value) for name, value in theirs.items()} == ours


def test_scipy_is_left_as_it_was() -> None:
    before = hasattr(scipy.special, "sph_harm"), "scipy.ndimage.interpolation" in sys.modules

    required_engine().measure(*ball(), SETTINGS, ("lbp-3D-m1_firstorder_Mean",))
    with pytest.raises(RuntimeError, match="inside"), installed.former_scipy():
        raise RuntimeError("inside")

    assert (hasattr(scipy.special, "sph_harm"), "scipy.ndimage.interpolation" in sys.modules) == before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((), "is empty"),
        ((slice(5, 6), slice(4, 9), slice(4, 9)), "one slice thick"),
        ((slice(4, 9), slice(5, 6), slice(4, 9)), "one row thick"),
        ((slice(5, 6), slice(5, 6), slice(5, 6)), "one slice thick"),
    ],
)
def test_a_region_that_has_no_volume_is_refused(change: tuple[slice, ...], reason: str) -> None:
    image, mask = ball()
    bits = np.zeros_like(mask.bits)
    if change:
        bits[change] = True

    with pytest.raises(InvalidInputError, match=reason):
        required_engine().measure(image, Mask(bits, mask.grid), SETTINGS)


def test_a_mask_on_another_grid_and_voxels_without_a_value_are_refused() -> None:
    image, mask = ball()
    elsewhere = Mask(mask.bits, grid_of(mask.grid.shape, (1.0, 1.0, 1.2)))
    holed = image.voxels.astype(np.float32)
    holed[0, 0, 0] = np.nan

    with pytest.raises(InvalidInputError, match="another grid"):
        required_engine().measure(image, elsewhere, SETTINGS)
    with pytest.raises(InvalidInputError, match="finite"):
        required_engine().measure(Volume(holed, image.grid), mask, SETTINGS)


def test_a_region_that_resampling_makes_flat_is_refused_with_a_reason() -> None:
    grid = grid_of((20, 20, 20), (0.2, 1.0, 1.0))
    image, mask = ball()
    bits = np.zeros_like(mask.bits)
    bits[8:10, 5:15, 5:15] = True

    with pytest.raises(InvalidInputError, match="region"):
        required_engine().measure(Volume(image.voxels, grid), Mask(bits, grid), SETTINGS)


def test_without_pyradiomics_there_is_no_engine_and_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for cached in (installed.missing, installed.pyradiomics):
        cached.cache_clear()
    monkeypatch.setattr(installed, "NEEDED", ("pyradiomics", "no-such-distribution"))

    assert installed_engine() is None
    with pytest.raises(NotFoundError, match=r"no-such-distribution missing.*\./run install radiomics"):
        required_engine()

    for cached in (installed.missing, installed.pyradiomics):
        cached.cache_clear()


def test_an_image_of_three_slices_is_refused_because_it_cannot_be_smoothed() -> None:
    image, mask = ball()
    thin, part = image.part((9, 0, 0), (12, 20, 20)), mask.bits[9:12]

    for engine in (required_engine(), PlainEngine()):
        with pytest.raises(InvalidInputError, match=r"too small|missing: log-sigma-1-0-mm-3D"):
            engine.measure(thin, Mask(part, thin.grid), RadiomicsSettings(resampled_mm=None))
