"""Decision curves: what acting on a risk is worth, threshold by threshold.

Vickers & Elkin, Med Decis Making 2006;26:565-574; with censoring: Vickers, Cronin, Elkin & Gonen, BMC Med Inform Decis
Mak 2008;8:53, events among the patients acted on by Kaplan-Meier.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.model_factory.handlers.statistics.arrays import Flags, Labels, Vector
from services.model_factory.handlers.statistics.bootstrap import REPEATS, replicates, resamples
from services.model_factory.handlers.statistics.kaplan_meier import kaplan_meier

THRESHOLDS = np.arange(1, 51) / 100
"""0.01 to 0.50."""


@dataclass(frozen=True, slots=True)
class DecisionCurve:
    """Net benefit of acting at each threshold: on those at or above it, on everybody, on nobody (always 0)."""

    action: str
    """What is done to a patient whose risk reaches the threshold; without it the curve means nothing."""
    horizon: float | None
    """Years; None where the outcome is known for everybody."""
    thresholds: Vector
    model: Vector
    low: Vector
    """2.5 percentile over resampled patients; likewise ``high``."""
    high: Vector
    treat_all: Vector
    method: str

    def __post_init__(self) -> None:
        if not self.action.strip():
            raise ValueError("a decision curve names the action its thresholds trigger")


def net_benefit(time: Vector, event: Flags, risk: Vector, horizon: float, thresholds: Vector) -> Vector:
    """Return, per threshold t, share of true positives - share of false positives * t / (1 - t)."""
    return np.array([_at(time, event, risk >= threshold, horizon, float(threshold)) for threshold in thresholds])


def decision_curve(
    time: Vector,
    event: Flags,
    risk: Vector,
    horizon: float,
    action: str,
    rng: np.random.Generator,
    *,
    thresholds: Vector = THRESHOLDS,
    repeats: int = REPEATS,
) -> DecisionCurve:
    """Return the curve of ``risk``, the probability of the event by ``horizon`` (years), with bootstrap limits.

    Raises:
        ValueError: If no action is named.
    """
    whole = net_benefit(time, event, risk, horizon, thresholds)
    everybody = net_benefit(time, event, np.ones(len(risk)), horizon, thresholds)

    def at(rows: Labels) -> Vector:
        return net_benefit(time[rows], event[rows], risk[rows], horizon, thresholds)

    sampled = replicates(at, resamples(np.arange(len(time)), repeats, rng))
    low, high = np.nanquantile(sampled, [0.025, 0.975], axis=0)
    method = f"bootstrap of patients, percentiles, {repeats} resamples, 95 % at each threshold"
    return DecisionCurve(action, horizon, thresholds, whole, low, high, everybody, method)


def binary_decision_curve(
    event: Flags,
    risk: Vector,
    action: str,
    rng: np.random.Generator,
    *,
    thresholds: Vector = THRESHOLDS,
    repeats: int = REPEATS,
) -> DecisionCurve:
    """Return the curve for an outcome known for everybody.

    Raises:
        ValueError: If no action is named.
    """
    acted_on = (risk[:, None] >= thresholds[None, :]).astype(np.float64)
    drawn = np.stack([np.bincount(rows, minlength=len(risk)) for rows in resamples(np.arange(len(risk)), repeats, rng)])
    weights = drawn.astype(np.float64)
    low, high = np.quantile(_counted(weights, event, acted_on, thresholds), [0.025, 0.975], axis=0)
    once = np.ones((1, len(risk)))
    whole = _counted(once, event, acted_on, thresholds)[0]
    everybody = _counted(once, event, np.ones_like(acted_on), thresholds)[0]
    method = f"bootstrap of patients, percentiles, {repeats} resamples, 95 % at each threshold"
    return DecisionCurve(action, None, thresholds, whole, low, high, everybody, method)


def _counted(weights: Vector, event: Flags, acted_on: Vector, thresholds: Vector) -> Vector:
    """Return the net benefit (draws, thresholds) where each row of ``weights`` says how often a patient is drawn."""
    true, false = (weights * event) @ acted_on, (weights * ~event) @ acted_on
    found: Vector = (true - false * thresholds / (1 - thresholds)) / weights.sum(axis=1, keepdims=True)
    return found


def _at(time: Vector, event: Flags, acted_on: Flags, horizon: float, threshold: float) -> float:
    if not acted_on.any():
        return 0.0
    share = float(acted_on.mean())
    happened = 1 - float(kaplan_meier(time[acted_on], event[acted_on]).at(np.array([horizon]))[0])
    return share * (happened - (1 - happened) * threshold / (1 - threshold))
