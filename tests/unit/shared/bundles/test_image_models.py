"""A bundle with a network is served only where its golden crops give what they must; it admits what it has measured."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.model_factory.handlers.networks.resnet3d.trained import predicted
from shared.bundles import opened_network
from shared.bundles.catalog import Catalog, installed_catalog
from shared.bundles.checks import checked
from shared.bundles.errors import BundleRefusedError
from shared.bundles.runtimes.onnx_runtime import CUDA_PROVIDER
from shared.bundles.runtimes.port import RuntimeChoice
from shared.predictors.models import ImageModel
from tests.conftest import NO_HARDWARE
from tests.image_bundle import BUNDLE, KEYS, crops, image_bundle, small_network

PLAIN = RuntimeChoice(threads=1)
BF16 = RuntimeChoice("openvino", "bfloat16", threads=1)


def opened(folder: Path, choice: RuntimeChoice = PLAIN) -> ImageModel:
    model = Catalog.load([folder], KEYS, choice).open(BUNDLE)
    assert isinstance(model, ImageModel)
    return model


def test_a_network_looks_at_a_crop(tmp_path: Path) -> None:
    model = opened(image_bundle(tmp_path))
    crop = crops(1, 11)

    look = model.look(crop[0])

    assert look.probability == pytest.approx(float(predicted(small_network(), crop)[0]), abs=1e-5)
    assert look.heat.shape == (4, 4, 4)
    assert look.runtime.startswith("onnxruntime")
    assert look.precision == "float32"
    assert model.imaging is not None
    assert model.imaging.network is not None
    assert model.imaging.network.margin == 0.25


def test_a_crop_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"takes a crop of \(1, 16, 16, 16\)"):
        opened(image_bundle(tmp_path)).look(crops(1)[0, :, :8])


def test_a_bundle_without_network_looks_at_nothing() -> None:
    model = installed_catalog().open(BUNDLE)

    assert isinstance(model, ImageModel)
    assert model.imaging is None
    assert model.classifiers == ("logistic",)
    with pytest.raises(ValueError, match="no network"):
        model.look(crops(1)[0])


def test_both_classifiers_answer_and_no_third(tmp_path: Path) -> None:
    model = opened(image_bundle(tmp_path))
    features = dict.fromkeys(("er_positive", "her2_low", "her2_3", "t_2", "t_3", "t_4"), 0.0)

    assert model.classifiers == ("logistic", "forest")
    assert model.probability(features, "logistic") == model.score(features)
    assert model.probability(features, "forest") == pytest.approx(1 / (1 + np.exp(-0.25)))
    with pytest.raises(ValueError, match="no classifier svm"):
        model.probability(features, "svm")


def golden(**changes: Any) -> Any:
    return lambda manifest: manifest["imaging"]["network"]["golden"][0].update(changes)


def test_a_golden_crop_that_gives_something_else_is_not_served(tmp_path: Path) -> None:
    with pytest.raises(BundleRefusedError, match=r"its golden crop golden\.npy gives"):
        opened(image_bundle(tmp_path, golden(probability=0.123)))


def test_a_golden_crop_whose_heat_peaks_elsewhere_is_not_served(tmp_path: Path) -> None:
    def move(manifest: dict[str, Any]) -> None:
        one = manifest["imaging"]["network"]["golden"][0]
        one["heat_peak"] = [3 - index for index in one["heat_peak"]]

    with pytest.raises(BundleRefusedError, match="peaks elsewhere"):
        opened(image_bundle(tmp_path, move))


def test_a_peak_outside_the_map_is_not_served(tmp_path: Path) -> None:
    with pytest.raises(BundleRefusedError, match="peaks elsewhere"):
        opened(image_bundle(tmp_path, golden(heat_peak=[0, 0, 99])))


def test_a_heat_of_another_shape_than_stated_is_not_served(tmp_path: Path) -> None:
    def stated(manifest: dict[str, Any]) -> None:
        manifest["imaging"]["network"]["heat_shape"] = [8, 8, 8]

    with pytest.raises(BundleRefusedError, match="peaks elsewhere"):
        opened(image_bundle(tmp_path, stated))


def test_a_golden_crop_of_another_shape_is_not_served(tmp_path: Path) -> None:
    def replaced(manifest: dict[str, Any]) -> None:
        import hashlib

        stream = io.BytesIO()
        np.save(stream, np.zeros((1, 8, 8, 8), dtype=np.float32))
        (tmp_path / BUNDLE / "golden.npy").write_bytes(stream.getvalue())
        manifest["files"]["golden.npy"] = hashlib.sha256(stream.getvalue()).hexdigest()

    with pytest.raises(BundleRefusedError, match="no input its network takes"):
        opened(image_bundle(tmp_path, replaced))


def test_a_forest_that_gives_something_else_is_not_served(tmp_path: Path) -> None:
    def changed(manifest: dict[str, Any]) -> None:
        manifest["forest"]["golden"][1] += 0.01

    with pytest.raises(BundleRefusedError, match="its forest gives"):
        opened(image_bundle(tmp_path, changed))


def test_a_precision_the_bundle_has_not_measured_is_not_used(tmp_path: Path) -> None:
    look = opened(image_bundle(tmp_path), BF16).look(crops(1)[0])

    assert look.precision == "float32"
    assert look.runtime.startswith("openvino")


def test_a_precision_the_bundle_admits_is_used_and_said(tmp_path: Path) -> None:
    look = opened(image_bundle(tmp_path, drift=0.02), BF16).look(crops(1)[0])

    assert look.precision in {"bfloat16", "float32"}  # a processor without bfloat16 says so


def test_more_drift_than_the_bundle_states_is_not_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Drifting:
        name, precision = "openvino 0 CPU", "bfloat16"

        def run(self, crops: Any) -> Any:
            probability = predicted(small_network(), crops) + 0.03
            return probability.astype(np.float32), np.zeros((1, 4, 4, 4), dtype=np.float32)

    monkeypatch.setattr(opened_network, "open_network", lambda *_: Drifting())

    with pytest.raises(BundleRefusedError, match=r"openvino 0 CPU, bfloat16, not"):
        opened(image_bundle(tmp_path, drift=0.02), BF16)


def test_a_gpu_that_is_not_there_is_said_and_never_replaced_by_the_processor(tmp_path: Path) -> None:
    import onnxruntime

    if CUDA_PROVIDER in onnxruntime.get_available_providers():
        pytest.skip(f"{NO_HARDWARE}: there is a GPU, and nothing is missing")

    with pytest.raises(BundleRefusedError, match="install onnxruntime-gpu; choose another runtime"):
        opened(image_bundle(tmp_path), RuntimeChoice("cuda"))


def test_an_engine_that_cannot_compute_in_a_precision_cannot_be_chosen_with_it() -> None:
    with pytest.raises(ValueError, match="choose openvino for bfloat16"):
        RuntimeChoice("onnxruntime", "bfloat16")


def test_verify_names_the_network_too(tmp_path: Path) -> None:
    checks = checked(Catalog.load([image_bundle(tmp_path)], KEYS), BUNDLE)

    assert [one.name for one in checks] == ["signature", "files", "digest", "golden", "network"]
