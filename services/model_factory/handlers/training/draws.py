"""Bootstrap draws of the whole pipeline: how often each candidate is chosen, and how much of what is seen is optimism.

Harrell's optimism: the pipeline, selection included, is run on the draw and judged on the draw and on the patients it
was drawn from (Harrell, Regression Modeling Strategies, 2015, section 5.3.5). Each draw is one piece of the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.model_factory.handlers.folds.fold import Fold, Rows
from services.model_factory.handlers.folds.making import bootstrap
from services.model_factory.handlers.selection.selector import METHODS
from services.model_factory.handlers.statistics.brier import brier_score
from services.model_factory.handlers.statistics.concordance import harrell
from services.model_factory.handlers.statistics.cox import cox
from services.model_factory.handlers.statistics.dynamic_auc import dynamic_auc
from services.model_factory.handlers.statistics.horizon_calibration import smooth
from services.model_factory.handlers.statistics.stability import ALL, Stability, stability
from services.model_factory.handlers.survival.cox import CoxModel
from services.model_factory.handlers.training.order import Order
from services.model_factory.handlers.training.pipeline import fit_pipeline
from services.model_factory.handlers.training.selected import Frequency, Steadiness, VennFrequency
from services.model_factory.ports import Checkpoints, Steps, over

DRAW = 2
"""First part of the key of the draws' randomness."""
_METHOD_OF: Mapping[str, str] = {ALL: "intersection"}


@dataclass(frozen=True, slots=True)
class Draws:
    """What the draws said."""

    frequencies: tuple[Frequency, ...]
    regions: tuple[VennFrequency, ...]
    steadiness: tuple[Steadiness, ...]
    optimism: Mapping[str, tuple[float, float, float]]
    """By measure: mean, 2.5 and 97.5 percentile of (on the draw - on the patients drawn from)."""
    curves: Mapping[int, tuple[float, ...]]
    """By horizon: mean optimism of the smooth calibration curve at the grid."""
    count: int


def draw_many(
    whole: Fold, order: Order, grids: Mapping[int, Sequence[float]], kept: Checkpoints, steps: Steps
) -> Draws:
    """Run all draws; pieces already kept are not computed again. ``grids``: predicted risks by given horizon."""
    pieces = [_kept(whole, order, grids, kept, number) for number in over(order.bootstraps, steps)]
    names = [column.name for column in whole.cohort.columns]
    steady = stability(METHODS, _marks(names, pieces)) if pieces and not order.variables else None
    return Draws(
        tuple(_frequency(name, place, steady) for place, name in enumerate(names)) if steady else (),
        _regions(names, steady) if steady else (),
        tuple(Steadiness(_METHOD_OF.get(m, m), index) for m, index in steady.nogueira.items()) if steady else (),
        {name: _spread([p["gain"][name] for p in pieces]) for name in (pieces[0]["gain"] if pieces else ())},
        {h: _mean([p["curves"][str(h)] for p in pieces]) for h in grids if pieces},
        len(pieces),
    )


def _kept(
    whole: Fold, order: Order, grids: Mapping[int, Sequence[float]], kept: Checkpoints, number: int
) -> dict[str, Any]:
    key = f"draw-{number:04d}"
    piece = kept.get(key)
    if piece is None:
        piece = _draw(whole, order, grids, number)
        kept.put(key, piece)
    return dict(piece)


def _draw(whole: Fold, order: Order, grids: Mapping[int, Sequence[float]], number: int) -> dict[str, Any]:
    rng = order.random(DRAW, number)
    drawn = bootstrap(whole, rng, f"draw {number + 1}")
    fitted = fit_pipeline(drawn.training, order.recipe, rng, order.variables)
    selected = fitted.selected
    horizons = tuple(grids)
    here = measures(fitted.model, drawn.training, horizons)
    there = measures(fitted.model, whole.training, horizons)
    curves = {h: _curve_gain(fitted.model, drawn.training, whole.training, h, grids[h]) for h in horizons}
    return {
        "chosen": {m: sorted(selected.by_method[m]) for m in METHODS} if selected else {},
        "gain": {name: here[name] - there[name] for name in here},
        "curves": {str(h): curve for h, curve in curves.items()},
    }


def measures(model: CoxModel, rows: Rows, horizons: tuple[int, ...]) -> dict[str, float]:
    """Return the measures of a model on some patients; a model without variables discriminates nobody."""
    linear = model.linear(rows)
    found = {"c_index": harrell(rows.years, rows.events, linear), "calibration_slope": slope(linear, rows)}
    for h in horizons:
        found[f"auc_{h}y"] = dynamic_auc(rows.years, rows.events, linear, h)
        found[f"brier_{h}y"] = brier_score(rows.years, rows.events, model.risk(rows, h), h)
    return found


def slope(linear: np.ndarray[Any, np.dtype[np.float64]], rows: Rows) -> float:
    """Return the Cox coefficient of the linear predictor on ``rows``; 1 where there is nothing to calibrate."""
    if linear.std() == 0:
        return 1.0
    return float(cox(linear[:, None], rows.years, rows.events).coefficients[0])


def _curve_gain(model: CoxModel, drawn: Rows, whole: Rows, horizon: int, grid: Sequence[float]) -> list[float]:
    at = np.asarray(grid)
    if not model.columns:
        return [0.0] * len(at)
    here, there = (smooth(r.years, r.events, model.risk(r, horizon), horizon, at) for r in (drawn, whole))
    return [float(value) for value in here - there]


def _marks(names: list[str], pieces: list[dict[str, Any]]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return (methods, draws, candidates): was it chosen?"""
    return np.array([[[name in piece["chosen"][m] for name in names] for piece in pieces] for m in METHODS])


def _frequency(name: str, place: int, steady: Stability) -> Frequency:
    lasso, forest, boosting, together = (float(steady.frequency[m][place]) for m in (*METHODS, ALL))
    return Frequency(name, lasso, forest, boosting, together)


def _regions(names: list[str], steady: Stability) -> tuple[VennFrequency, ...]:
    return tuple(
        VennFrequency(name, tuple(m for m in METHODS if m in region), float(shares[place]))
        for place, name in enumerate(names)
        for region, shares in steady.regions.items()
        if shares[place] > 0
    )


def _spread(values: list[float]) -> tuple[float, float, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(np.mean(values)), float(low), float(high)


def _mean(curves: list[list[float]]) -> tuple[float, ...]:
    return tuple(float(value) for value in np.mean(curves, axis=0))
