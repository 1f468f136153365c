"""Every number of a run passes the metric contract and the guards before it is written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from services.model_factory.handlers.statistics.estimates import Estimate
from services.model_factory.handlers.statistics.guards import inspect_measured
from services.model_factory.handlers.statistics.metric import Cut, Metric, Unit
from services.model_factory.handlers.training.stated import Estimated, Warned

_NAMES: Mapping[str, str] = {
    "c_index": "c_harrell",
    "c_uno": "c_uno",
    "auc": "dynamic_auc",
    "brier": "brier_at_horizon",
    "brier_of_nobody": "brier_at_horizon",
    "brier_scaled": "scaled_brier",
    "integrated_brier": "integrated_brier",
    "integrated_brier_of_nobody": "integrated_brier",
    "integrated_brier_scaled": "scaled_brier",
    "calibration_slope": "calibration_slope",
    "calibration_intercept": "calibration_intercept",
    "observed_to_expected": "observed_to_expected",
    "ici": "ici",
    "e50": "e50",
    "e90": "e90",
}

_UNITS: Mapping[str, Unit] = {"patient": "patient", "slide": "slide"}

_BINARY = frozenset(
    {
        "auc", "brier", "calibration_slope", "calibration_intercept", "calibration_in_the_large",
        "observed_to_expected", "sensitivity", "specificity", "ppv", "npv", "accuracy", "f1",
    }
)  # fmt: skip
"""Of an outcome of yes and no: the contract's own names."""


def guarded_together(performance: Iterable[Estimated]) -> tuple[Warned, ...]:
    """As ``guarded``, the numbers of one model on the same patients inspected together: F1 and accuracy must fit.

    Raises:
        ValueError: As ``guarded``.
    """
    rows: dict[tuple[str, str], list[Metric]] = {}
    for one in performance:
        rows.setdefault((one.kind, one.model), []).append(as_metric(one))
    return tuple(
        Warned("guard", f"{model}, {kind.replace('_', ' ')}: {finding.sentence}.")
        for (kind, model), metrics in rows.items()
        for finding in inspect_measured(metrics)
    )


def guarded(performance: Iterable[Estimated]) -> tuple[Warned, ...]:
    """Return what the numbers betray about themselves, one warning each; nothing where all is well.

    Raises:
        ValueError: If a number breaks the contract: no class, no patients, no method, a share above one.
    """
    return tuple(
        Warned("guard", f"{one.kind.replace('_', ' ')}: {finding.sentence}.")
        for one in performance
        if one.value is not None
        for finding in inspect_measured([as_metric(one)])
    )


def as_metric(one: Estimated) -> Metric:
    """Return a number of a run as the contract wants it.

    Raises:
        ValueError: If it breaks the contract.
    """
    binary = one.years is None and one.name in _BINARY
    name = one.name if binary else _NAMES.get(one.name.removesuffix(f"_{one.years}y"))
    unit = _UNITS.get(one.unit_of_analysis)
    if name is None or unit is None or one.value is None:
        raise ValueError(f"{one.name} by {one.unit_of_analysis!r}: no number of a run")
    estimate = Estimate(one.value, one.interval or (math.nan, math.nan), one.interval_method)
    horizon = None if one.years is None else float(one.years)
    cut = None if one.threshold is None else Cut(one.threshold, one.threshold_source)
    return Metric(name, one.positive_class, unit, one.n, one.events, estimate, cut, horizon)
