"""A cheaper arithmetic serves only where no golden slide changes its level and no score moves by more than .005."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from services.model_factory.adapters.patch_networks import EIGHT_BIT_FILE, cheaper_arithmetics
from services.model_factory.handlers.networks.swin.gate import LEAST_SLIDES, Gate, SlideDrift, measured_gate
from services.model_factory.handlers.networks.swin.graph import swin_graph
from services.model_factory.handlers.networks.swin.quantising import eight_bit
from shared.bundles.runtimes.opening import open_network
from shared.bundles.runtimes.port import RuntimeChoice
from tests.conftest import NO_HARDWARE
from tests.unit.services.model_factory.networks.swin.conftest import SMALL, made_up, stirred

STILL = SlideDrift(0.12, 0.121, 0.01)


def slides(n: int = LEAST_SLIDES) -> list[Callable[[], NDArray[np.float32]]]:
    return [lambda seed=seed: made_up(9, SMALL, seed) for seed in range(n)]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("drift", "admitted"),
    [
        (STILL, True),
        (SlideDrift(0.12, 0.1249, 0.1), True),
        (SlideDrift(0.12, 0.1251, 0.01), False),
        (SlideDrift(0.1499, 0.1501, 0.01), False),
        (SlideDrift(0.0, 0.171, 0.01), False),
        (SlideDrift(0.12, None, 0.01), False),
        (SlideDrift(None, None, 0.01), True),
    ],
)
def test_one_slide_is_enough_to_refuse(drift: SlideDrift, admitted: bool) -> None:
    assert Gate("bfloat16", "an engine", (*[STILL] * LEAST_SLIDES, drift)).admitted is admitted


def test_too_few_slides_show_too_little() -> None:
    assert not Gate("bfloat16", "an engine", (STILL,) * (LEAST_SLIDES - 1)).admitted
    assert not Gate("bfloat16", "an engine", (*[STILL] * (LEAST_SLIDES - 1), SlideDrift(None, None, 0.0))).admitted


def test_another_network_does_not_pass_for_a_cheaper_arithmetic() -> None:
    other = swin_graph(stirred(seed=2))

    gate = measured_gate(swin_graph(stirred()), slides(), "int8", "onnxruntime", other)

    assert gate is not None
    assert not gate.admitted
    assert gate.largest_difference > 0.01


def test_eight_bits_say_about_the_same_and_are_measured() -> None:
    graph = swin_graph(stirred())
    narrow = eight_bit(graph)

    gate = measured_gate(graph, slides(), "int8", "onnxruntime", narrow)

    wide, cheap = (open_network(one, RuntimeChoice(threads=1)).run(made_up(4))[0] for one in (graph, narrow))
    assert 0 < np.abs(wide - cheap).max() < 0.05
    assert gate is not None
    assert 0 < gate.largest_difference < 0.05


def test_bfloat16_is_measured_where_the_processor_has_it() -> None:
    gate = measured_gate(swin_graph(stirred()), slides(), "bfloat16")

    if gate is None:
        pytest.skip(f"{NO_HARDWARE}: this processor has no bfloat16")
    assert 0 < gate.largest_difference < 0.05
    assert len(gate.slides) == LEAST_SLIDES


def test_only_what_passed_travels_with_the_bundle() -> None:
    graph, golden = swin_graph(stirred()), made_up(2)

    files, passed = cheaper_arithmetics(graph, golden, slides())
    nothing, none = cheaper_arithmetics(graph, golden, slides(2))

    assert (nothing, none) == ((), ())
    assert {name for name, _ in files} == {file for kind, file, _, _ in passed if kind == "int8"} <= {EIGHT_BIT_FILE}
    assert all(0 < largest < 0.1 and n == LEAST_SLIDES for _, _, largest, n in passed)
