"""A narrower arithmetic is admitted by what was measured, and by nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from services.model_factory.handlers.networks.resnet3d import drift
from services.model_factory.handlers.networks.resnet3d.drift import GATE, LEAST_CROPS, Drift, measured_drift
from services.model_factory.handlers.networks.resnet3d.graph import network_graph
from tests.conftest import NO_HARDWARE
from tests.unit.services.model_factory.networks.resnet3d.conftest import SMALL, made_up, settled


def test_the_drift_of_bfloat16_is_measured_on_every_crop() -> None:
    found = measured_drift(network_graph(settled(SMALL)), made_up(LEAST_CROPS, SMALL, 3))

    if found is None:
        pytest.skip(f"{NO_HARDWARE}: this processor has no bfloat16")
    assert 0 < found.largest_difference < 0.05
    assert found.n == LEAST_CROPS
    assert found.heat_correlation > 0.9
    assert "openvino" in found.runtime


def test_float32_drifts_nowhere() -> None:
    found = measured_drift(network_graph(settled(SMALL)), made_up(2, SMALL, 3), "float32")

    assert found is not None
    assert found.largest_difference == 0.0


@pytest.mark.parametrize(
    ("difference", "n", "admitted"),
    [(GATE, LEAST_CROPS, True), (GATE * 1.01, LEAST_CROPS, False), (0.0, LEAST_CROPS - 1, False)],
)
def test_too_far_or_too_few_is_not_admitted(difference: float, n: int, admitted: bool) -> None:
    assert Drift("bfloat16", "openvino", difference, n, 1.0).admitted is admitted


def test_a_processor_without_the_arithmetic_measures_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Float32:
        name, precision = "openvino 0 CPU", "float32"

        def run(self, crops: np.ndarray) -> None:
            raise AssertionError(crops.shape)

    monkeypatch.setattr(drift, "open_network", lambda *_: Float32())

    assert measured_drift(b"", made_up(1, SMALL), "bfloat16") is None
