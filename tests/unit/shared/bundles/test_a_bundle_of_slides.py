"""A bundle that judges slides: loaded, asked, and refused where it gives other numbers than it states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.bundles.catalog import Catalog
from shared.bundles.checks import checked
from shared.bundles.errors import BundleRefusedError
from shared.bundles.model import OnnxModel
from shared.bundles.runtimes.port import RuntimeChoice
from shared.predictors.models import SlideModel
from tests.slide_bundle import BUNDLE, KEYS, judged, slide_bundle

ONE_THREAD = RuntimeChoice(threads=1)


def opened(folder: Path, choice: RuntimeChoice = ONE_THREAD) -> OnnxModel:
    model = Catalog.load([folder], KEYS, choice).open(BUNDLE)
    assert isinstance(model, OnnxModel)
    return model


def looked(folder: Path) -> None:
    opened(folder).look_at(np.zeros((1, 3, 32, 32), dtype=np.float32))


def test_patches_are_judged_in_three_classes_and_the_score_becomes_a_probability(tmp_path: Path) -> None:
    model = opened(slide_bundle(tmp_path)[0])
    patches = np.random.default_rng(1).random((5, 3, 32, 32), dtype=np.float32)
    looks = model.look_at(patches)

    assert isinstance(model, SlideModel)
    assert model.slides is not None
    assert model.slides.patches.input_px == 32
    assert looks.probabilities == pytest.approx(judged(patches), abs=1e-5)
    assert looks.heat.shape == (5, 2, 2)
    assert looks.precision == "float32"
    assert model.score({"score": 0.2}) == pytest.approx(1 / (1 + np.exp(-1.0)))


def test_patches_of_another_size_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="takes patches of"):
        opened(slide_bundle(tmp_path)[0]).look_at(np.zeros((1, 3, 31, 31), dtype=np.float32))


def test_a_network_that_gives_other_numbers_than_its_golden_patch_states_is_not_served(tmp_path: Path) -> None:
    def other(manifest: dict[str, Any]) -> None:
        manifest["slides"]["golden"][0]["probabilities"] = [0.2, 0.3, 0.5]

    with pytest.raises(BundleRefusedError, match="golden patch"):
        looked(slide_bundle(tmp_path, other)[0])


def test_heat_of_another_size_than_stated_is_refused(tmp_path: Path) -> None:
    def other(manifest: dict[str, Any]) -> None:
        manifest["slides"]["heat_cells"] = 7

    with pytest.raises(BundleRefusedError, match="another shape"):
        looked(slide_bundle(tmp_path, other)[0])


def test_a_precision_the_bundle_does_not_admit_is_not_computed_in(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    bundles = slide_bundle(tmp_path)[0]

    assert (
        opened(bundles, RuntimeChoice("openvino", "bfloat16", 1))
        .look_at(np.zeros((1, 3, 32, 32), dtype=np.float32))
        .precision
        == "float32"
    )


def test_verification_says_how_many_patches_were_reproduced(tmp_path: Path) -> None:
    catalog = Catalog.load([slide_bundle(tmp_path)[0]], KEYS, ONE_THREAD)

    assert any("1 patches reproduced" in one.detail for one in checked(catalog, BUNDLE))


def test_nobody_is_asked_to_type_a_slide(tmp_path: Path) -> None:
    assert Catalog.load([slide_bundle(tmp_path)[0]], KEYS).for_predictor("her2") is None
