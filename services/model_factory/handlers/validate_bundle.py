"""Measure one bundle on one cohort: discrimination, calibration, and what its own threshold does there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.cohorts import Cohort, FlowStep
from services.model_factory.handlers.statistics.calibration import Calibration, calibration
from services.model_factory.handlers.statistics.discrimination import auc, proportion
from services.model_factory.handlers.statistics.estimates import Estimate
from services.model_factory.handlers.statistics.guards import Finding, inspect_measured
from services.model_factory.handlers.statistics.metric import Cut, Metric, Unit
from shared.bundles.manifest import Threshold
from shared.domain.errors import InvalidInputError
from shared.domain.prediction import BundleReference
from shared.predictors.contract import ByHand
from shared.predictors.models import Model


@dataclass(frozen=True, slots=True)
class AtThreshold:
    """What a cut does; positive means the probability of the positive class is at or above it."""

    threshold: float
    source: str
    sensitivity: Estimate
    specificity: Estimate


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """A bundle's performance on a cohort it was not made from; every number is for ``positive_class``."""

    bundle: BundleReference
    cohort: str
    description: str
    n: int
    positives: int
    positive_class: str
    unit: Unit
    """What was counted."""
    auc: Estimate
    calibration: Calibration
    at_threshold: AtThreshold | None
    flow: tuple[FlowStep, ...]

    def metrics(self) -> tuple[Metric, ...]:
        """Return the numbers with everything needed to read one alone."""
        cut = self.at_threshold
        own = Cut(cut.threshold, cut.source) if cut else None
        found = [self._metric("auc", self.auc), self._metric("calibration_slope", self.calibration.slope)]
        if cut:
            found += [self._metric("sensitivity", cut.sensitivity, own)]
            found += [self._metric("specificity", cut.specificity, own)]
        return tuple(found)

    def findings(self) -> tuple[Finding, ...]:
        """Return what the numbers betray about themselves: nothing where all is well."""
        return inspect_measured(self.metrics())

    def _metric(self, name: str, estimate: Estimate, cut: Cut | None = None) -> Metric:
        return Metric(name, self.positive_class, self.unit, self.n, self.positives, estimate, cut)


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """A cohort, and what a bundle says of each of its units; arrays (n,)."""

    cohort: str
    description: str
    positive_class: str
    unit: Unit
    event: NDArray[np.bool_]
    probability: NDArray[np.float64]
    """Of the positive class."""
    flow: tuple[FlowStep, ...]


def validate(model: Model, predictor: ByHand, thresholds: tuple[Threshold, ...], cohort: Cohort) -> ValidationResult:
    """Score every patient of ``cohort`` with ``model`` and measure.

    Raises:
        InvalidInputError: If the cohort's event is not the model's, or the cohort is too small to measure anything.
    """
    if cohort.positive_class != model.outcome.positive_class:
        raise InvalidInputError("cohort", f"records {cohort.positive_class}, not {model.outcome.positive_class}")
    event = np.array([patient.event for patient in cohort.patients], dtype=np.bool_)
    said = [predictor.answer_levels(patient.levels, model).probability for patient in cohort.patients]
    scored = Scored(
        cohort.name,
        cohort.description,
        cohort.positive_class,
        "patient",
        event,
        np.array(said, np.float64),
        cohort.flow,
    )
    return measured(model.reference, thresholds, scored)


def measured(bundle: BundleReference, thresholds: tuple[Threshold, ...], scored: Scored) -> ValidationResult:
    """Measure what a bundle has said; of its thresholds, the first.

    Raises:
        InvalidInputError: If the cohort is too small to measure anything.
    """
    event, probability = scored.event, scored.probability
    if min(int(event.sum()), int((~event).sum())) < 2:
        few = f"fewer than two {scored.unit}s with, or without, the event: nothing to measure"
        raise InvalidInputError("cohort", few)
    return ValidationResult(
        bundle=bundle,
        cohort=scored.cohort,
        description=scored.description,
        n=len(event),
        positives=int(event.sum()),
        positive_class=scored.positive_class,
        unit=scored.unit,
        auc=auc(event, probability),
        calibration=_calibrated(scored),
        at_threshold=_at(thresholds[0], event, probability) if thresholds else None,
        flow=scored.flow,
    )


def _calibrated(scored: Scored) -> Calibration:
    try:
        return calibration(scored.event, scored.probability)
    except ValueError as error:
        raise InvalidInputError("cohort", f"too few {scored.unit}s to measure calibration: {error}") from error


def _at(threshold: Threshold, event: NDArray[np.bool_], probability: NDArray[np.float64]) -> AtThreshold:
    called = probability >= threshold.value
    sensitivity = proportion(int((called & event).sum()), int(event.sum()))
    specificity = proportion(int((~called & ~event).sum()), int((~event).sum()))
    return AtThreshold(threshold.value, threshold.source, sensitivity, specificity)
