"""What a row of metrics says about itself: does it fit its class, its counts, its own arithmetic?

Each guard answers with findings and never changes the row. They run on rows taken from papers and on our own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from services.model_factory.handlers.statistics.counts import Confusion, confusions, numerators
from services.model_factory.handlers.statistics.metric import Metric
from services.model_factory.handlers.statistics.reported import COUNTED, Reported


class Flaw(StrEnum):
    """What is wrong with a row."""

    NO_POSITIVE_CLASS = "no positive class"
    MIRRORED_CLASS = "metrics of the other class"
    PREVALENCE = "implied prevalence disagrees"
    NOT_A_COUNT = "no whole number of units gives this value"
    ACCURACY = "accuracy disagrees with the other metrics"
    MIRRORED_F1 = "F1 of the other class"
    F1 = "F1 of neither class"


@dataclass(frozen=True, slots=True)
class Finding:
    """One flaw of one row, for a person."""

    flaw: Flaw
    metric: str
    sentence: str


def implied_prevalence(sensitivity: float, specificity: float, *, ppv: float) -> float:
    """Return the prevalence at which Bayes' rule turns sensitivity and specificity into this PPV."""
    false = ppv * (1 - specificity)
    return _part(false, sensitivity * (1 - ppv) + false)


def implied_prevalence_from_npv(sensitivity: float, specificity: float, *, npv: float) -> float:
    """Return the prevalence that gives this NPV."""
    missed = (1 - npv) * specificity
    return _part(missed, missed + npv * (1 - sensitivity))


def inspect(row: Reported) -> tuple[Finding, ...]:
    """Return everything the row's own numbers betray; nothing for a sound row."""
    return (*_class_named(row), *_prevalence(row), *_accuracy(row), *_counts(row), *_f1(row))


def inspect_measured(metrics: Sequence[Metric]) -> tuple[Finding, ...]:
    """Return what our own metrics of one model on one set betray; a ranking that points the other way, too."""
    found = [finding for row in _rows(metrics) for finding in inspect(row)]
    for metric in metrics:
        high = metric.estimate.interval[1]
        if metric.name in {"auc", "dynamic_auc", "c_harrell", "c_uno"} and high < 0.5:
            text = f"{metric.name} {metric.estimate.value:.3f} lies below one half: the score ranks the other class"
            found.append(Finding(Flaw.MIRRORED_CLASS, metric.name, text))
    return tuple(found)


def _rows(metrics: Sequence[Metric]) -> list[Reported]:
    """Metrics of one class, one set and one threshold are one row."""
    counted = [metric for metric in metrics if metric.name in COUNTED and metric.cut]
    keys = dict.fromkeys((one.positive_class, one.unit, one.n, one.positives, one.cut) for one in counted)
    return [
        Reported(
            source="measured",
            row=f"threshold {cut.value:g}" if cut else "",
            classes=2,
            positive_class=positive_class,
            unit=unit,
            n=n,
            prevalence=positives / n,
            exact=True,
            positives=positives if 0 < positives < n else None,
            values={
                one.name: one.estimate.value
                for one in counted
                if (one.positive_class, one.unit, one.n, one.positives, one.cut)
                == (positive_class, unit, n, positives, cut)
            },
            decimals=6,
        )
        for positive_class, unit, n, positives, cut in keys
    ]


def require_sound(row: Reported) -> None:
    """Let a row in, or say why not.

    Raises:
        ValueError: With every finding.
    """
    findings = inspect(row)
    if findings:
        raise ValueError(f"{row.source}, {row.row}: " + "; ".join(finding.sentence for finding in findings))


def _class_named(row: Reported) -> tuple[Finding, ...]:
    named = set(row.values) - {"accuracy"}
    if row.positive_class or not named:
        return ()
    text = f"a {row.classes}-class table gives {', '.join(sorted(named))} and names no positive class"
    return (Finding(Flaw.NO_POSITIVE_CLASS, "all", text),)


def _prevalence(row: Reported) -> tuple[Finding, ...]:
    implied = _implied(row)
    if not implied or row.prevalence is None:
        return ()
    declared, told = row.prevalence, " and ".join(f"{value:.3f}" for value, _ in implied)
    sampling = 0.0 if row.exact else 3 * math.sqrt(declared * (1 - declared) / row.n)
    if all(abs(value - declared) <= sampling + rounding for value, rounding in implied):
        return ()
    if all(abs(value - (1 - declared)) <= sampling + rounding for value, rounding in implied):
        text = f"implied prevalence {told}; {row.positive_class} is {declared:.3f}, the other class {1 - declared:.3f}"
        return (Finding(Flaw.MIRRORED_CLASS, "sensitivity", text),)
    text = f"implied prevalence {told}, but {row.positive_class} is {declared:.3f}"
    return (Finding(Flaw.PREVALENCE, "ppv", text),)


def _implied(row: Reported) -> list[tuple[float, float]]:
    """Return what PPV and NPV imply, each with the most that rounding of the printed values can move it."""
    found = []
    for name, bayes in (("ppv", _by_ppv), ("npv", _by_npv)):
        if {"sensitivity", "specificity", name} <= row.values.keys():
            printed = [row.values[one] for one in ("sensitivity", "specificity", name)]
            value = bayes(*printed)
            corners = product(*((max(0.0, v - row.half_unit), min(1.0, v + row.half_unit)) for v in printed))
            moved = max((abs(bayes(*corner) - value) for corner in corners), default=0.0)
            found.append((value, moved + 1e-9))
    return [(value, moved) for value, moved in found if math.isfinite(value) and math.isfinite(moved)]


def _by_ppv(sensitivity: float, specificity: float, ppv: float) -> float:
    return implied_prevalence(sensitivity, specificity, ppv=ppv)


def _by_npv(sensitivity: float, specificity: float, npv: float) -> float:
    return implied_prevalence_from_npv(sensitivity, specificity, npv=npv)


def _accuracy(row: Reported) -> tuple[Finding, ...]:
    """Accuracy is prevalence x sensitivity + (1 - prevalence) x specificity, whatever the class."""
    implied = _implied(row)
    if "accuracy" not in row.values or not implied:
        return ()
    share = sum(value for value, _ in implied) / len(implied)
    expected = share * row.values["sensitivity"] + (1 - share) * row.values["specificity"]
    # Means over folds obey the identity only roughly.
    allowed = 0.08 if row.averaged else 0.01 + max(rounding for _, rounding in implied)
    if abs(expected - row.values["accuracy"]) <= allowed:
        return ()
    told = " and ".join(f"{value:.3f}" for value, _ in implied)
    text = (
        f"sensitivity, specificity, PPV and NPV imply prevalence {told} and accuracy {expected:.2f}, "
        f"printed {row.values['accuracy']:g}: not metrics of one {row.classes}-class table"
    )
    return (Finding(Flaw.ACCURACY, "accuracy", text),)


def _counts(row: Reported) -> tuple[Finding, ...]:
    if row.positives is None or row.averaged:
        return ()
    wholes = {"sensitivity": row.positives, "specificity": row.n - row.positives, "accuracy": row.n}
    impossible = [
        name
        for name, whole in wholes.items()
        if name in row.values and not numerators(row.values[name], whole, row.half_unit)
    ]
    found = [
        Finding(Flaw.NOT_A_COUNT, name, f"{name} {row.values[name]:g} is no k/{wholes[name]}{_instead(row, name)}")
        for name in impossible
    ]
    if not impossible and "accuracy" in row.values and not confusions(row):
        text = f"no counts give sensitivity, specificity and accuracy {row.values['accuracy']:g} together"
        found.append(Finding(Flaw.ACCURACY, "accuracy", text))
    return tuple(found)


def _instead(row: Reported, name: str) -> str:
    """Return what the rest of the row says the value is, where it says one thing."""
    if not {"sensitivity", "specificity", "accuracy"} <= row.values.keys():
        return ""
    others = {round(getattr(one, name), row.decimals) for one in confusions(row, without=name)}
    return f"; the rest of the row gives {others.pop():g}" if len(others) == 1 else ""


def _f1(row: Reported) -> tuple[Finding, ...]:
    possible = _behind(row)
    if "f1" not in row.values or not possible:
        return ()
    printed = row.values["f1"]

    def gives(one: Confusion) -> bool:
        return abs(one.f1 - printed) <= row.half_unit

    if any(gives(one) for one in possible):
        return ()
    own, other = possible[0].f1, possible[0].mirrored().f1
    told = f"F1 {printed:g}; with {row.positive_class} positive it is {own:.3f}, with the other class {other:.3f}"
    mirrored = any(gives(one.mirrored()) for one in possible)
    return (Finding(Flaw.MIRRORED_F1 if mirrored else Flaw.F1, "f1", told),)


def _behind(row: Reported) -> tuple[Confusion, ...]:
    """Return the row's counts; where one printed value is impossible, those of the other two."""
    if not {"sensitivity", "specificity"} <= row.values.keys() or row.averaged:
        return ()
    found = confusions(row)
    for name in ("sensitivity", "specificity", "accuracy"):
        if not found and "accuracy" in row.values:
            found = confusions(row, without=name)
    return found


def _part(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan
