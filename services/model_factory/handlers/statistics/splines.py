"""Restricted cubic splines: cubic between the knots, straight outside (Harrell, Regression Modeling Strategies 2.4)."""

from __future__ import annotations

import numpy as np

from services.model_factory.handlers.statistics.arrays import Vector

QUANTILES = {3: (0.1, 0.5, 0.9), 4: (0.05, 0.35, 0.65, 0.95), 5: (0.05, 0.275, 0.5, 0.725, 0.95)}
"""Harrell's places of the knots."""


def knots_of(values: Vector, count: int = 3) -> Vector:
    """Return ``count`` knots at Harrell's quantiles.

    Raises:
        ValueError: If the values have too few distinct places for the knots.
    """
    knots = np.quantile(values, QUANTILES[count])
    if len(np.unique(knots)) < count:
        raise ValueError("too few distinct values for the knots")
    return knots


def restricted_cubic(values: Vector, knots: Vector) -> Vector:
    """Return the basis (rows, knots - 1): the value itself, then the non-linear parts, scaled by the knots' range."""
    last, before = knots[-1], knots[-2]
    columns = [values]
    for knot in knots[:-2]:
        bend = _cube(values - knot)
        bend = bend - _cube(values - before) * (last - knot) / (last - before)
        bend = bend + _cube(values - last) * (before - knot) / (last - before)
        columns.append(bend / (last - knots[0]) ** 2)
    return np.column_stack(columns)


def _cube(values: Vector) -> Vector:
    cubed: Vector = np.maximum(values, 0.0) ** 3
    return cubed
