"""Would another sample of patients have chosen the same columns?

Inclusion frequencies: Sauerbrei & Schumacher, Stat Med 1992;11:2093-2109; Heinze, Wallisch & Dunkler, Biom J
2018;60:431-449. The stability of a selector: Nogueira, Sechidis & Brown, J Mach Learn Res 2018;18(174).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.model_factory.handlers.statistics.arrays import Flags, Vector

ALL = "all"
"""Name of the intersection of the selectors."""


@dataclass(frozen=True, slots=True)
class Stability:
    """How often each column was chosen over the draws."""

    frequency: Mapping[str, Vector]
    """Per selector, and for ALL of them at once: share of the draws, per column."""
    regions: Mapping[frozenset[str], Vector]
    """The Venn diagram: per set of selectors, share of the draws in which exactly these chose the column."""
    nogueira: Mapping[str, float | None]
    """1: always the same columns; 0: no better than chance; None where a selector always takes all columns or none."""


def stability(names: tuple[str, ...], marks: Flags) -> Stability:
    """Return what the draws agree on; ``marks`` is (selectors, draws, columns), selectors as in ``names``.

    Raises:
        ValueError: If there is no draw.
    """
    if marks.ndim != 3 or not marks.shape[1]:
        raise ValueError("no draws: nothing is known of the stability")
    parts = {**dict(zip(names, marks, strict=True)), ALL: np.asarray(marks.all(axis=0))}
    return Stability(
        {name: part.mean(axis=0) for name, part in parts.items()},
        {
            region: np.all([marks[i] == (name in region) for i, name in enumerate(names)], axis=0).mean(axis=0)
            for region in _regions(names)
        },
        {name: _nogueira(part) for name, part in parts.items()},
    )


def _regions(names: tuple[str, ...]) -> list[frozenset[str]]:
    return [frozenset(n for i, n in enumerate(names) if bits >> i & 1) for bits in range(1, 2 ** len(names))]


def _nogueira(part: Flags) -> float | None:
    rounds, columns = part.shape
    share, size = part.mean(axis=0), float(part.sum(axis=1).mean())
    by_chance = size / columns * (1 - size / columns)
    if rounds < 2 or by_chance == 0:
        return None
    return float(1 - (rounds / (rounds - 1) * share * (1 - share)).mean() / by_chance)
