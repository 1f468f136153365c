"""Cross-validation of the whole pipeline, selection inside every fold; and, to show the price, selection outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from services.model_factory.handlers.cohort.typed import Counts, Numbers
from services.model_factory.handlers.folds.fold import Fold
from services.model_factory.handlers.folds.making import cross_validation
from services.model_factory.handlers.statistics.concordance import harrell
from services.model_factory.handlers.survival.cox import risks
from services.model_factory.handlers.survival.horizons import course
from services.model_factory.handlers.training.order import Order
from services.model_factory.handlers.training.pipeline import fit_pipeline
from services.model_factory.handlers.training.selected import SelectionGap
from services.model_factory.ports import Checkpoints, Steps

FOLDS = 3
"""First part of the key of the folds' randomness; the fitting of fold k of repeat r has (FOLDS, r, k + 1)."""


@dataclass(frozen=True, slots=True)
class Crossed:
    """What the folds said of the patients they held out."""

    index: Counts
    """Places in the cohort, each training patient once: the first repeat."""
    linear: Numbers
    risk: dict[int, Numbers]
    """By horizon."""
    risks: Numbers
    """(patients, times): at every time of the course up to the last horizon, by the patient's own fold."""
    choices: tuple[tuple[str, ...], ...]
    """What each fold chose, all repeats."""
    gap: SelectionGap | None
    """None where the variables were named beforehand."""


def cross(whole: Fold, order: Order, outside: tuple[str, ...], horizons: tuple[int, ...], kept: Checkpoints,
          steps: Steps) -> Crossed:  # fmt: skip
    """Run every fold of every repeat; ``outside`` is what was chosen with all patients in view."""
    pieces = []
    for repeat in range(order.repeats):
        folds = cross_validation(whole, order.folds, order.random(FOLDS, repeat, 0), f"repeat {repeat + 1}, fold")
        for number, fold in enumerate(folds):
            key = f"fold-{repeat:02d}-{number:02d}"
            piece = kept.get(key)
            if piece is None:
                piece = _judge(fold, order, outside, horizons, order.random(FOLDS, repeat, number + 1))
                kept.put(key, piece)
            pieces.append(piece)
            steps()
    first = pieces[: order.folds]
    return Crossed(
        np.concatenate([np.array(p["index"], dtype=np.intp) for p in first]),
        np.concatenate([np.array(p["linear"]) for p in first]),
        {h: np.concatenate([np.array(p["risk"][str(h)]) for p in first]) for h in horizons},
        np.concatenate([risks(np.array(p["linear"]), np.array(p["hazards"])) for p in first]),
        tuple(tuple(p["chosen"]) for p in pieces),
        None if order.variables else _gap(pieces, order),
    )


def _judge(
    fold: Fold, order: Order, outside: tuple[str, ...], horizons: tuple[int, ...], rng: np.random.Generator
) -> dict[str, Any]:
    fitted = fit_pipeline(fold.training, order.recipe, rng, order.variables)
    held_out = fold.held_out
    linear = fitted.model.linear(held_out)
    return {
        "index": [int(place) for place in held_out.index],
        "linear": [float(value) for value in linear],
        "risk": {str(h): [float(value) for value in fitted.model.risk(held_out, h)] for h in horizons},
        "hazards": [float(value) for value in fitted.model.hazards(course(horizons))],
        "chosen": list(fitted.variables),
        "inside": harrell(held_out.years, held_out.events, linear),
        "outside": _outside(fold, order, outside, rng),
    }


def _outside(fold: Fold, order: Order, outside: tuple[str, ...], rng: np.random.Generator) -> float:
    """Judge as papers do that select first: the choice has seen the held-out patients. Shown as a price, never used."""
    if not outside:
        return 0.5
    model = fit_pipeline(fold.training, order.recipe, rng, outside).model
    return harrell(fold.held_out.years, fold.held_out.events, model.linear(fold.held_out))


def _gap(pieces: list[dict[str, Any]], order: Order) -> SelectionGap:
    outside, inside = (float(np.mean([piece[side] for piece in pieces])) for side in ("outside", "inside"))
    return SelectionGap("c_index, mean over folds", outside, inside, order.folds, order.repeats)
