"""The metadata gate: how many micrometres a pixel of level 0 is wide, or why nobody can say. Never guessed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from shared.domain.slides import Resolution, ResolutionSource
from shared.pathology.trouble import SlideProblem, SlideTrouble
from shared.slides.port import SlideDescription, StatedResolution

FINEST_UM = 0.1
COARSEST_UM = 2.0
"""Plausible micrometres per pixel of a scanned slide: oil immersion at 100x has 0.1, a 5x scan 2."""
ABSURD_UM = 100.0
"""Coarser than a camera's picture of the whole glass: a wrong unit, not a low resolution."""
MOST_ANISOTROPY = 0.05
MOST_DISAGREEMENT = 0.05
UM_AT_ONE = 10.0
"""Micrometres times magnification of the usual scanner: 0.25 at 40x, 0.5 at 20x."""
FINER, COARSER = 2.5, 1.5
"""How far resolution and objective may be apart. Finer is common: 20x with small pixels or a 1.6x adapter gives 0.23
(OpenSlide's CMU-1.mrxs); coarser than the objective shows throws light away, as only binning would."""

_REMEDY = "State the micrometres per pixel by hand, or export the slide with its resolution."


@dataclass(frozen=True, slots=True)
class OperatorsValue:
    """What a person says the resolution is, where the file states nothing usable."""

    um: float
    """Micrometres per pixel of level 0."""
    stated_by: str
    """The person's name; without one the value is not taken."""


def gated(
    description: SlideDescription, *, operator: OperatorsValue | None = None, coarsest_um: float = COARSEST_UM
) -> Resolution | SlideTrouble:
    """Return the resolution that everything the file states agrees on, or why there is none.

    Args:
        description: What the file says.
        operator: Taken only where the file states nothing usable, and only with a name; held to the same rules.
        coarsest_um: A resolution coarser than this is refused as too low.
    """
    power = description.objective_power
    found = _agreed(description.stated)
    too_low = _too_low(found, min(coarsest_um, COARSEST_UM))
    if too_low is not None:
        return too_low
    found = _with_objective(found, power)
    if isinstance(found, SlideTrouble) and operator is not None and operator.stated_by.strip():
        found = _from_person(operator)
        return _too_low(found, min(coarsest_um, COARSEST_UM)) or _with_objective(found, power)
    return found


def _agreed(stated: tuple[StatedResolution, ...]) -> Resolution | SlideTrouble:
    if not stated:
        text = "The file does not state how many micrometres a pixel is wide."
        return SlideTrouble(SlideProblem.RESOLUTION_UNKNOWN, text, _REMEDY)
    for one in stated:
        problem = _apart(one, stated[0]) or _shape(one.x, one.y, one.key)
        if problem:
            return _implausible(problem)
    return Resolution(stated[0].x, stated[0].y, stated[0].source)


def _from_person(operator: OperatorsValue) -> Resolution | SlideTrouble:
    um = operator.um
    problem = _shape(um, um, "the value stated by hand")
    return (
        _implausible(problem) if problem else Resolution(um, um, ResolutionSource.OPERATOR, operator.stated_by.strip())
    )


def _too_low(found: Resolution | SlideTrouble, coarsest_um: float) -> SlideTrouble | None:
    if isinstance(found, SlideTrouble) or max(found.x, found.y) <= coarsest_um:
        return None
    text = f"The slide has {_um(max(found.x, found.y))} per pixel; {_um(coarsest_um)} or finer is needed."
    return SlideTrouble(SlideProblem.RESOLUTION_TOO_LOW, text, "Scan the slide at a higher magnification.")


def _with_objective(found: Resolution | SlideTrouble, power: float | None) -> Resolution | SlideTrouble:
    if isinstance(found, SlideTrouble) or power is None:
        return found
    expected, um = UM_AT_ONE / power, math.sqrt(found.x * found.y)
    if expected / FINER <= um <= expected * COARSER:
        return replace(found, objective_power=power)
    return _implausible(f"{_um(um)} per pixel and an objective of {power:g}x do not go together")


def _shape(x: float, y: float, where: str) -> str:
    """Return what no scanned slide has; empty where nothing is."""
    if not (math.isfinite(x) and math.isfinite(y)) or min(x, y) < FINEST_UM or max(x, y) > ABSURD_UM:
        return f"{where} says {_um(x)} per pixel, which no slide scanner has"
    if abs(x - y) / min(x, y) >= MOST_ANISOTROPY:
        return f"{where} says {_um(x)} across and {_um(y)} down, which no slide scanner has"
    return ""


def _apart(one: StatedResolution, other: StatedResolution) -> str:
    for a, b in ((one.x, other.x), (one.y, other.y)):
        if abs(a - b) / min(a, b) >= MOST_DISAGREEMENT:
            return f"{other.key} says {_um(b)} per pixel and {one.key} says {_um(a)}"
    return ""


def _implausible(problem: str) -> SlideTrouble:
    text = f"The resolution cannot be relied on: {problem}."
    return SlideTrouble(SlideProblem.RESOLUTION_IMPLAUSIBLE, text, _REMEDY)


def _um(value: float) -> str:
    return f"{value:.3g} micrometres"
