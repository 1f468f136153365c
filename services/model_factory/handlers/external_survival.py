"""Measure a Cox bundle on a cohort it was not made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.model_factory.handlers.cohort.typed import Numbers, TypedCohort
from services.model_factory.handlers.cohorts import FlowStep
from services.model_factory.handlers.scoring import Scored, score
from services.model_factory.handlers.survival.horizons import refusal
from services.model_factory.handlers.training.judging import Judged, Verdict, verdict
from shared.domain.errors import InvalidInputError
from shared.domain.prediction import BundleReference, Outcome
from shared.predictors.hazards.model import Hazards, Horizon, ModelInput

LEAST_EVENTS = 100
"""Collins, Ogundimu & Altman, Stat Med 2016;35:214-226."""


@dataclass(frozen=True, slots=True)
class SurvivalValidation:
    """A Cox bundle's performance; every number is for ``positive_class``."""

    bundle: BundleReference
    cohort: str
    description: str
    n: int
    events: int
    positive_class: str
    flow: tuple[FlowStep, ...]
    verdict: Verdict
    refused: tuple[tuple[int, str], ...]
    """(years, why) of horizons nothing is measured at."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what a reader must know."""
        few = f"{self.events} events; {LEAST_EVENTS} are wanted for a validation: the intervals are wide"
        return (*((few,) if self.events < LEAST_EVENTS else ()), *self.verdict.missing)


def validate_survival(
    bundle: BundleReference, outcome: Outcome, inputs: tuple[ModelInput, ...], hazards: Hazards, cohort: TypedCohort,
    action: str, rng: np.random.Generator, resamples: int,
) -> SurvivalValidation:  # fmt: skip
    """Score every patient the model answers for and measure at every horizon that model and cohort both carry.

    Raises:
        InvalidInputError: If the cohort does not fit the model, or nobody, or everybody, had the event.
    """
    scored = score(cohort, outcome.positive_class, inputs, hazards)
    events, n = int(scored.events.sum()), len(scored.years)
    if min(events, n - events) < 2:
        raise InvalidInputError("cohort", "fewer than two patients with, or without, the event: nothing to measure")
    refused = [(one.years, one.refused or refusal(scored.years, scored.events, one.years)) for one in hazards.horizons]
    why = dict(refused)
    risk = {one.years: _risk(one, scored) for one in hazards.given if not why[one.years]}
    on = Judged("held_out", scored.years, scored.events, scored.linear, risk)
    return SurvivalValidation(
        bundle, cohort.name, cohort.description, n, events, outcome.positive_class, scored.flow,
        verdict(on, outcome.positive_class, action, rng, resamples), tuple(one for one in refused if one[1]),
    )  # fmt: skip


def _risk(horizon: Horizon, scored: Scored) -> Numbers:
    found: Numbers = -np.expm1(-(horizon.baseline_cumulative_hazard or 0.0) * np.exp(scored.linear))
    return found
