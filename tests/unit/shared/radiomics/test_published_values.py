"""pyradiomics' own published values, and the values the design fixed, through our port."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from shared.predictors.imaging import RadiomicsSettings
from shared.radiomics.engine import required_engine
from shared.radiomics.names import CLASSES, SHAPE, feature_names
from tests.mri import real_case

pytestmark = pytest.mark.shared_data

PUBLISHED = RadiomicsSettings(
    bin_width=25, bin_count=None, normalise=False, voxel_array_shift=2000, resampled_mm=None
)  # fmt: skip
MESH = {f"original_shape_{name}" for name in ("MeshVolume", "SurfaceArea", "SurfaceVolumeRatio", "Sphericity")}
"""Made by pyradiomics 2.0.1b1, whose mesh differs in brain1 by up to 9e-4."""


def published(data: Path, case: str) -> dict[str, float]:
    """Return the published value of every feature of the unfiltered image."""
    found: dict[str, float] = {}
    for group in ("shape", *CLASSES):
        with (data / "mri" / "baseline" / f"baseline_{group}.csv").open() as lines:
            rows = {row["featureName"]: row[case] for row in csv.DictReader(lines)}
        found |= {name: float(rows[name]) for name in feature_names("A") if name.startswith(f"original_{group}_")}
    return found


@pytest.mark.parametrize("case", ["breast1", "brain1"])
def test_all_107_features_of_the_unfiltered_image_are_the_published_ones(shared_data: Path, case: str) -> None:
    expected = published(shared_data, case)
    assert len(expected) == len(SHAPE) + sum(map(len, CLASSES.values())) == 107

    found = required_engine().measure(*real_case(shared_data, case), PUBLISHED, tuple(expected))

    loose = MESH if case == "brain1" else set()
    for name, value in found.items():
        assert value == pytest.approx(expected[name], rel=1e-3 if name in loose else 1e-11), name


def test_the_golden_value_of_lbp_3d_is_there_with_this_scipy(shared_data: Path) -> None:
    name = "lbp-3D-m2_glrlm_RunLengthNonUniformity"

    found = required_engine().measure(*real_case(shared_data, "brain1"), PUBLISHED, (name,))

    assert found[name] == pytest.approx(465.34906262837166, rel=1e-12)
