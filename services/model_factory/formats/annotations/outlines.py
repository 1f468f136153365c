"""Outlines from numbers: what is no polygon is refused."""

from __future__ import annotations

from typing import Any

import numpy as np

from services.model_factory.handlers.patches.annotation import Points
from shared.domain.errors import InvalidInputError

TUMOUR_NAMES = frozenset({"tumor", "tumour", "invasive tumor", "invasive tumour", "carcinoma", "invasive carcinoma"})
"""Class names that mean tumour, small letters; every other class is something else."""
FURTHEST = 1e7
"""Pixels: wider than any slide."""


def points_of(values: Any) -> Points:
    """Return an outline (k, 2) of pairs of numbers; a last point equal to the first is dropped.

    Raises:
        InvalidInputError: If it is no outline: fewer than three points, no area, or numbers that are none.
    """
    try:
        points = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInputError("annotation", "has an outline of something else than pairs of numbers") from error
    if points.ndim != 2 or points.shape[1] < 2 or not np.isfinite(points).all() or np.abs(points).max() > FURTHEST:
        raise InvalidInputError("annotation", "has an outline of something else than pairs of numbers")
    points = points[:, :2]
    if len(points) > 1 and np.array_equal(points[0], points[-1]):
        points = points[:-1]
    if len(points) < 3 or area(points) == 0:
        raise InvalidInputError("annotation", "has an outline without an area")
    return points


def area(points: Points) -> float:
    """Return the area of a closed outline, in square pixels (shoelace formula)."""
    x, y = points[:, 0], points[:, 1]
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def is_tumour(name: object) -> bool:
    """Tell whether a class means tumour."""
    return isinstance(name, str) and name.strip().lower() in TUMOUR_NAMES


def refuse_nothing(found: object) -> None:
    """Refuse an annotation without tumour: it would make everything on the slide non-tumour."""
    if not found:
        raise InvalidInputError("annotation", f"has no region of a class that means tumour ({_names()})")


def _names() -> str:
    return ", ".join(sorted(TUMOUR_NAMES))
