"""Who of the training patients validates: the same share of both classes, drawn at random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def inner_validation(
    labels: NDArray[np.bool_], patients: Sequence[str], share: float, seed: int, *, grouped: bool
) -> NDArray[np.bool_]:
    """Return which crops validate.

    Args:
        labels: Of every crop.
        patients: Whose crop it is.
        share: Of the units of each class, at least one.
        seed: The same seed gives the same split.
        grouped: Units are patients (of the class of their first crop), not crops.

    Raises:
        ValueError: If a class has fewer than two units.
    """
    units = np.unique(np.array(patients), return_inverse=True)[1] if grouped else np.arange(len(labels))
    first = np.unique(units, return_index=True)[1]
    rng = np.random.default_rng([seed, 1])
    chosen = [_drawn(units[first[labels[first] == one]], share, rng) for one in (False, True)]
    validating: NDArray[np.bool_] = np.isin(units, np.concatenate(chosen))
    return validating


def _drawn(units: NDArray[np.intp], share: float, rng: np.random.Generator) -> NDArray[np.intp]:
    if len(units) < 2:
        raise ValueError("a network needs two patients of each class: one to learn from, one to validate on")
    count = min(max(round(share * len(units)), 1), len(units) - 1)
    return rng.permutation(units)[:count]
