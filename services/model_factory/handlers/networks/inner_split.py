"""Who of the training patients validates: the same share of every class, drawn at random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def inner_validation(
    labels: NDArray[np.int64], patients: Sequence[str], share: float, seed: int, *, grouped: bool
) -> NDArray[np.bool_]:
    """Return which examples validate.

    Args:
        labels: Class of every example.
        patients: Whose example it is.
        share: Of the units of each class, at least one.
        seed: The same seed gives the same split.
        grouped: Units are patients (of the highest class among their examples), not examples.

    Raises:
        ValueError: If a class has fewer than two units.
    """
    units = np.unique(np.array(patients), return_inverse=True)[1] if grouped else np.arange(len(labels))
    classes = np.full(units.max(initial=-1) + 1, -1, dtype=np.int64)
    np.maximum.at(classes, units, labels)
    rng = np.random.default_rng([seed, 1])
    chosen = [_drawn(np.flatnonzero(classes == one), share, rng) for one in np.unique(classes)]
    validating: NDArray[np.bool_] = np.isin(units, np.concatenate(chosen))
    return validating


def _drawn(units: NDArray[np.intp], share: float, rng: np.random.Generator) -> NDArray[np.intp]:
    if len(units) < 2:
        raise ValueError("a network needs two patients of each class: one to learn from, one to validate on")
    count = min(max(round(share * len(units)), 1), len(units) - 1)
    return rng.permutation(units)[:count]
