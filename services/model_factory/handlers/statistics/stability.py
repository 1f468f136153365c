"""Would another sample of patients have chosen the same columns?

Inclusion frequencies: Sauerbrei & Schumacher, Stat Med 1992;11:2093-2109; Heinze, Wallisch & Dunkler, Biom J
2018;60:431-449. The stability of a selector: Nogueira, Sechidis & Brown, J Mach Learn Res 2018;18(174).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from services.model_factory.handlers.statistics.arrays import Flags, Labels, Vector
from services.model_factory.handlers.statistics.bootstrap import REPEATS, resamples

Select = Callable[[Labels], tuple[int, ...]]
"""Rows, possibly repeated -> the chosen columns."""


@dataclass(frozen=True, slots=True)
class Stability:
    """How often each column was chosen over resampled patients."""

    repeats: int
    """Resamples on which every selector answered."""
    frequency: Mapping[str, Vector]
    """Per selector, and for ``"all"`` of them at once: share of the resamples, per column."""
    together: Vector
    """(columns, columns): share of the resamples in which two columns were both in the intersection."""
    regions: Mapping[frozenset[str], Vector]
    """The Venn diagram: per set of selectors, share of the resamples in which exactly these chose the column."""
    nogueira: Mapping[str, float]
    """1: always the same columns; 0: no better than chance; NaN where a selector always takes all columns or none."""
    chosen: Mapping[frozenset[int], int]
    """How often each whole intersection came up."""


def stability(
    selectors: Mapping[str, Select],
    columns: int,
    patients: Labels,
    rng: np.random.Generator,
    *,
    repeats: int = REPEATS,
    told: Callable[[int], None] = lambda _: None,
) -> Stability:
    """Run all selectors on the same resamples; one that raises ``ValueError`` takes the resample out for all.

    Raises:
        ValueError: If no resample was answered by all.
    """
    rounds = []
    for done, rows in enumerate(resamples(patients, repeats, rng), start=1):
        try:
            rounds.append([_marked(select(rows), columns) for select in selectors.values()])
        except ValueError:
            continue
        finally:
            told(done)
    if not rounds:
        raise ValueError("no resample on which every selector answered")
    return _summary(tuple(selectors), np.array(rounds, dtype=np.bool_).swapaxes(0, 1))


def _marked(chosen: tuple[int, ...], columns: int) -> Vector:
    marked = np.zeros(columns)
    marked[list(chosen)] = 1.0
    return marked


def _summary(names: tuple[str, ...], marks: Flags) -> Stability:
    """``marks`` is (selectors, resamples, columns)."""
    both = np.asarray(marks.all(axis=0))
    parts = {**dict(zip(names, marks, strict=True)), "all": both}
    inside = both.astype(np.float64)
    sets, counts = np.unique(both, axis=0, return_counts=True)
    return Stability(
        len(both),
        {name: part.mean(axis=0) for name, part in parts.items()},
        inside.T @ inside / len(both),
        {
            region: np.all([marks[i] == (name in region) for i, name in enumerate(names)], axis=0).mean(axis=0)
            for region in _regions(names)
        },
        {name: _nogueira(part) for name, part in parts.items()},
        {frozenset(map(int, np.flatnonzero(s))): int(c) for s, c in zip(sets, counts, strict=True)},
    )


def _regions(names: tuple[str, ...]) -> list[frozenset[str]]:
    return [frozenset(n for i, n in enumerate(names) if bits >> i & 1) for bits in range(1, 2 ** len(names))]


def _nogueira(part: Flags) -> float:
    rounds, columns = part.shape
    share, size = part.mean(axis=0), float(part.sum(axis=1).mean())
    by_chance = size / columns * (1 - size / columns)
    if rounds < 2 or by_chance == 0:
        return float("nan")
    return float(1 - (rounds / (rounds - 1) * share * (1 - share)).mean() / by_chance)
