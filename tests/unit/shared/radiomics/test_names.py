from __future__ import annotations

import pytest

from shared.domain.errors import InvalidInputError
from shared.predictors.imaging import Preset, RadiomicsSettings
from shared.radiomics.checking import exactly
from shared.radiomics.names import PAPER, PRESETS, feature_names, wanted_names
from shared.radiomics.parameters import parameter_file, settings_sha256

EVERY: tuple[Preset, ...] = ("A", "B", "C")


@pytest.mark.parametrize("preset", EVERY)
def test_every_preset_has_1781_names_and_the_six_of_the_paper(preset: Preset) -> None:
    names = feature_names(preset)

    assert len(names) == len(set(names)) == 1781 == 107 + 18 * 93
    assert set(PAPER) <= set(names)
    assert sum(len(kind.images) for kind in PRESETS[preset]) == 19


def test_the_presets_differ() -> None:
    assert len({frozenset(feature_names(preset)) for preset in EVERY}) == 3


def test_a_name_no_preset_has_is_refused_by_name() -> None:
    with pytest.raises(InvalidInputError, match="gradient_glcm_MCC"):
        wanted_names("A", ("gradient_glcm_MCC", PAPER[0]))


def test_a_missing_an_extra_and_a_valueless_feature_are_each_named() -> None:
    with pytest.raises(InvalidInputError, match="missing: a; not asked for: c"):
        exactly({"b": 1.0, "c": 2.0}, ("a", "b"))
    with pytest.raises(InvalidInputError, match="no value: b"):
        exactly({"a": 1.0, "b": float("nan")}, ("a", "b"))


def test_features_come_in_the_order_asked_for() -> None:
    assert list(exactly({"b": 1.0, "a": 2.0}, ("a", "b"))) == ["a", "b"]


def test_each_setting_changes_the_hash_of_the_parameter_file_and_equal_settings_do_not() -> None:
    every = [
        RadiomicsSettings(),
        RadiomicsSettings(preset="B"),
        RadiomicsSettings(preset="C"),
        RadiomicsSettings(bin_width=25.0, bin_count=None),
        RadiomicsSettings(bin_count=64),
        RadiomicsSettings(normalise=False),
        RadiomicsSettings(normalise_scale=1.0),
        RadiomicsSettings(voxel_array_shift=0.0),
        RadiomicsSettings(resampled_mm=None),
        RadiomicsSettings(resampled_mm=(1.0, 1.0, 2.0)),
    ]

    assert len({settings_sha256(one) for one in every}) == len(every)
    assert settings_sha256(RadiomicsSettings()) == settings_sha256(RadiomicsSettings())
    # Bundles that are out there carry this; a change of the text makes them unusable.
    assert settings_sha256(RadiomicsSettings()) == "2527e4b370baccd7ccac5686ee5d2fffa892cd9ffcf8fe59315e225f2d81e0b4"
    assert parameter_file(RadiomicsSettings()).isascii()
