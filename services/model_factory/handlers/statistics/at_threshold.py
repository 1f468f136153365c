"""What a cut on a probability does: Youden's cut, the six shares behind it, the points of the ROC curve."""

from __future__ import annotations

import numpy as np

from services.model_factory.handlers.statistics.arrays import Flags, Labels, Vector
from services.model_factory.handlers.statistics.bootstrap import REPEATS, percentile, replicates, resamples
from services.model_factory.handlers.statistics.counts import Confusion
from services.model_factory.handlers.statistics.discrimination import proportion
from services.model_factory.handlers.statistics.estimates import Estimate


def youden(event: Flags, probability: Vector) -> float:
    """Return the cut with the largest sensitivity + specificity - 1; positive means at or above it.

    Between the chosen value and the next lower one, the middle: a cut on a value itself hangs on rounding.

    Raises:
        ValueError: If all had the event, or none.
    """
    false, true, cuts = _curve(event, probability)
    best = int(np.argmax(true - false))
    lower = probability[probability < cuts[best]]
    return float((cuts[best] + lower.max()) / 2.0) if len(lower) else float(cuts[best])


def roc_points(event: Flags, probability: Vector) -> tuple[Vector, Vector]:
    """Return false and true positive rate from (0, 0) to (1, 1), one point per distinct value.

    Raises:
        ValueError: If all had the event, or none.
    """
    false, true, _ = _curve(event, probability)
    return np.concatenate([[0.0], false]), np.concatenate([[0.0], true])


def _curve(event: Flags, probability: Vector) -> tuple[Vector, Vector, Vector]:
    if event.all() or not event.any():
        raise ValueError("a cut needs events and non-events")
    cuts = np.unique(probability)[::-1]
    called = probability[None, :] >= cuts[:, None]
    true = (called & event).sum(axis=1) / event.sum()
    false = (called & ~event).sum(axis=1) / (~event).sum()
    return np.asarray(false, dtype=np.float64), np.asarray(true, dtype=np.float64), cuts


def confusion(event: Flags, called: Flags) -> Confusion:
    """Return the four counts."""
    return Confusion(
        int((called & event).sum()), int((~called & event).sum()),
        int((~called & ~event).sum()), int((called & ~event).sum()),
    )  # fmt: skip


def shares(event: Flags, called: Flags, rng: np.random.Generator, repeats: int = REPEATS) -> dict[str, Estimate]:
    """Return sensitivity, specificity, PPV, NPV, accuracy (Wilson), F1 (bootstrap); a share of nobody is left out."""
    one = confusion(event, called)
    parts = {
        "sensitivity": (one.true_positive, one.true_positive + one.false_negative),
        "specificity": (one.true_negative, one.true_negative + one.false_positive),
        "ppv": (one.true_positive, one.true_positive + one.false_positive),
        "npv": (one.true_negative, one.true_negative + one.false_negative),
        "accuracy": (one.true_positive + one.true_negative, len(event)),
    }
    found = {name: proportion(count, whole) for name, (count, whole) in parts.items() if whole}

    def f1(rows: Labels) -> Vector:
        return np.array([confusion(event[rows], called[rows]).f1])

    sampled = replicates(f1, resamples(np.arange(len(event)), repeats, rng))
    found["f1"] = percentile(one.f1, sampled[:, 0])
    return found
