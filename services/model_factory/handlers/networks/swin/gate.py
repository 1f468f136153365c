"""A cheaper arithmetic may serve where no golden slide changes its level, and no score moves by more than .005."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.networks.swin.looking import Patches
from shared.bundles.runtimes.opening import open_network
from shared.bundles.runtimes.port import Engine, NetworkRuntime, Precision, RuntimeChoice
from shared.domain.slide_answers import SlideLevel
from shared.predictors.her2.aggregation import Readings, aggregate
from shared.predictors.her2.scale import level_of

LARGEST_SHIFT = 0.005
"""Of a slide's score; the narrowest level is .05 wide (paper 003)."""
LEAST_SLIDES = 6
"""Scorable ones; fewer show too little of what a network meets."""
AT_ONCE = 8

PRINTED = Readings()

Slide = Callable[[], Patches]
"""Gives all patches of one golden slide, prepared; called when it is its turn, so that one slide lies in memory."""


@dataclass(frozen=True, slots=True)
class SlideDrift:
    """One golden slide in both arithmetics; a score of None: no patch is tumour."""

    score: float | None
    cheaper: float | None
    difference: float
    """Largest of a patch's probability."""

    @property
    def shift(self) -> float:
        """Return how far the score moved; infinite where only one arithmetic found tumour."""
        if self.score is None or self.cheaper is None:
            return 0.0 if self.score is self.cheaper else float("inf")
        return abs(self.cheaper - self.score)

    @property
    def same_level(self) -> bool:
        """Tell whether the slide resembles the same level."""
        return _level(self.score) is _level(self.cheaper)


@dataclass(frozen=True, slots=True)
class Gate:
    """What was measured."""

    precision: Precision
    runtime: str
    slides: tuple[SlideDrift, ...]
    apart: float = 0.0
    """Largest difference of a probability of golden patches that belong to no golden slide."""

    @property
    def largest_shift(self) -> float:
        """Return the largest difference of a score."""
        return max((one.shift for one in self.slides), default=0.0)

    @property
    def largest_difference(self) -> float:
        """Return the largest difference of a patch's probability: what golden patches may show."""
        return max((self.apart, *(one.difference for one in self.slides)))

    @property
    def admitted(self) -> bool:
        """Tell whether a bundle may say that it can be served so."""
        scored = sum(one.score is not None for one in self.slides)
        steady = all(one.same_level for one in self.slides) and self.largest_shift <= LARGEST_SHIFT
        return steady and scored >= LEAST_SLIDES


def measured_gate(
    graph: bytes,
    slides: Sequence[Slide],
    precision: Precision,
    engine: Engine = "openvino",
    cheaper: bytes | None = None,
    golden: Patches | None = None,
    readings: Readings = PRINTED,
) -> Gate | None:
    """Score the golden slides in float32 and in ``precision``, on one engine.

    Args:
        graph: As exported, float32.
        slides: Those the network did not learn from say most.
        precision: To be measured.
        engine: That computes both.
        cheaper: The graph of ``precision``, where it needs its own (int8); None: the same one.
        golden: Patches that a bundle is checked with when it is opened: their drift must be known too.
        readings: How the score is read.

    Returns:
        What was found; None where this processor has no such arithmetic, so that nothing can be measured.

    Raises:
        RuntimeMissingError: If the engine is not installed.
    """
    wide = open_network(graph, RuntimeChoice(engine))
    choice = RuntimeChoice(engine, precision)
    narrow = open_network(cheaper or graph, choice, precision)
    if narrow.precision != precision:
        return None
    apart = 0.0 if golden is None else _drift(wide, narrow, golden, readings).difference
    return Gate(precision, narrow.name, tuple(_drift(wide, narrow, one(), readings) for one in slides), apart)


def _drift(wide: NetworkRuntime, narrow: NetworkRuntime, patches: Patches, readings: Readings) -> SlideDrift:
    if not len(patches):
        return SlideDrift(None, None, 0.0)
    first, second = (_said(runtime, patches) for runtime in (wide, narrow))
    return SlideDrift(_score(first, readings), _score(second, readings), float(np.abs(first - second).max()))


def _said(runtime: NetworkRuntime, patches: Patches) -> NDArray[np.float32]:
    return np.concatenate([runtime.run(some)[0] for some in _batches(patches)])


def _score(probabilities: NDArray[np.float32], readings: Readings) -> float | None:
    found = aggregate(probabilities, readings)
    return None if found is None else found.score


def _batches(patches: Patches) -> Iterator[Patches]:
    for start in range(0, len(patches), AT_ONCE):
        yield np.ascontiguousarray(patches[start : start + AT_ONCE], dtype=np.float32)


def _level(score: float | None) -> SlideLevel | None:
    return None if score is None else level_of(score)
