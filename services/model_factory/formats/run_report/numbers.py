"""The tables of a report: characteristics, the model, performance, horizons."""

from __future__ import annotations

import math
from collections.abc import Iterator

from services.model_factory.formats.run_report.blocks import Block, Bullets, Grid, Heading
from services.model_factory.handlers.cohort.facts import Table1Row
from services.model_factory.handlers.training.modelled import CoxTerm
from services.model_factory.handlers.training.results import RunResults
from services.model_factory.handlers.training.stated import Estimated, Provenance

_INDENT = "\u00a0" * 5
"""Before the further levels of a factor."""
_Z = 1.959963984540054
KINDS = ("out_of_fold", "held_out", "optimism_corrected", "after_selection", "apparent")
"""What may be expected of new patients first; what the model says of those it has seen last."""


BY_EVENT = ("Without the event", "With the event")


def table_1(lines: tuple[Table1Row, ...], groups: tuple[str, str] = BY_EVENT, title: str = "Table 1.") -> Grid:
    """Return the characteristics, overall and in two groups."""
    rows = []
    for one in lines:
        name = f"{one.variable}{f' ({one.unit})' if one.unit and one.unit != '1' else ''}"
        first = bool(one.test) or not one.level
        shown = name if not one.level else f"{name}: {one.level}" if first else f"{_INDENT}{one.level}"
        test = f"{_p(one.p)} ({one.test})" if one.p is not None else ""
        missing = str(one.missing) if first else ""
        rows.append((shown, one.overall, one.without_event, one.with_event, missing, test))
    caption = f"{title} Mean ± SD, median (quartiles) or n (%), two-sided tests, p not corrected."
    head = ("Characteristic", "All", *groups, "Missing", "p (test)")
    return Grid(caption, head, tuple(rows), (0.24, 0.15, 0.15, 0.15, 0.08, 0.23))


def table_2(results: RunResults) -> Grid:
    """Return hazard ratios, alone and together."""
    rows = tuple(_effect(term) for term in results.model.terms)
    caption = (
        f"Table 2. Cox model, ties by {results.model.ties.capitalize()}; {results.model.n} patients, "
        f"{results.model.events} events. The p values do not know of the selection before them."
    )
    head = ("Variable", "Alone: hazard ratio (95 %)", "p", "Together: hazard ratio (95 %)", "p")
    return Grid(caption, head, rows, (0.32, 0.25, 0.09, 0.25, 0.09))


def _effect(term: CoxTerm) -> tuple[str, ...]:
    name = {"log1p": f"ln(1 + {term.candidate})", "indicator": f"{term.candidate} = {term.level}"}.get(
        term.transform, term.candidate
    )
    unit = f" [{term.unit}]" if term.unit else ""
    alone = _ratio(term.univariable_log_hazard_ratio, term.univariable_standard_error)
    return (f"{name}{unit}", alone, _p(term.univariable_p), _ratio(term.log_hazard_ratio, term.standard_error),
            _p(term.p))  # fmt: skip


def _ratio(beta: float, error: float) -> str:
    low, high = math.exp(beta - _Z * error), math.exp(beta + _Z * error)
    return f"{math.exp(beta):.2f} ({low:.2f} to {high:.2f})"


def _p(p: float | None) -> str:
    return "" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def specification(results: RunResults) -> Grid:
    """Return the whole model: coefficients, centres, ranges (TRIPOD+AI 22)."""
    rows = tuple(
        (t.feature, t.transform, f"{t.log_hazard_ratio:.6f}", f"{t.standard_error:.6f}", f"{t.centre:.6f}",
         "" if t.transform == "indicator" else f"{t.low:g} to {t.high:g} {t.unit}")
        for t in results.model.terms
    )  # fmt: skip
    caption = "The model: risk(t) = 1 - exp(-H0(t) exp(sum of coefficient x (column - centre)))."
    head = ("Column", "Transform", "Coefficient", "Standard error", "Centre", "Range seen")
    return Grid(caption, head, rows, (0.27, 0.12, 0.14, 0.14, 0.14, 0.19))


def horizons(results: RunResults) -> Grid:
    """Return what the model answers for and what it refuses."""
    rows, marked = [], set()
    for number, one in enumerate(results.model.horizons):
        if one.refused:
            marked.add(number)
        hazard = "" if one.baseline_cumulative_hazard is None else f"{one.baseline_cumulative_hazard:.6f}"
        rows.append(
            (
                f"{one.years} years", str(one.at_risk), str(one.events), hazard, _number(one.one_minus_km),
                _number(one.competing_risk), f"REFUSED: {one.refused}" if one.refused else "given",
            )
        )  # fmt: skip
    caption = "Horizons. A risk is refused where too few patients are still followed."
    head = ("Horizon", "Still followed", "Events before", "H0", "1 - Kaplan-Meier", "Aalen-Johansen", "Answer")
    return Grid(caption, head, tuple(rows), (0.11, 0.1, 0.1, 0.12, 0.12, 0.13, 0.32), frozenset(marked))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def performance(numbers: tuple[Estimated, ...]) -> Iterator[Grid]:
    """Yield one table per way of judging; every row says for which class, on whom, and how its interval was made."""
    for kind in KINDS:
        found = [one for one in numbers if one.kind == kind]
        if found:
            caption = f"{_TITLES[kind]} Positive class: {found[0].positive_class}; unit: {found[0].unit_of_analysis}."
            head = ("Measure", "Value", "95 % interval", "Positive class", "n", "Events", "Interval by")
            rows = tuple(_row(one) for one in found)
            yield Grid(caption, head, rows, (0.2, 0.1, 0.16, 0.16, 0.07, 0.07, 0.24))


_TITLES = {
    "out_of_fold": "Out of fold: every patient judged by a model that has not seen her, selection repeated inside.",
    "held_out": "Held out: patients nothing was learned from.",
    "optimism_corrected": "Apparent, less the optimism found by drawing the whole pipeline again.",
    "after_selection": "Cross-validated after the scores were made from all training patients, those judged included: "
    "optimism, as papers print it.",
    "apparent": "Apparent: on the patients the model was made from. This is optimism and no performance.",
}


def _row(one: Estimated) -> tuple[str, ...]:
    value = "not measured" if one.value is None else f"{one.value:.3f}"
    between = f"{one.interval[0]:.3f} to {one.interval[1]:.3f}" if one.interval else "none"
    name = f"{one.model.replace('.', ', ')} {one.name}".strip().replace("_", " ")
    return (name, value, between, one.positive_class, str(one.n), str(one.events),
            one.interval_method or "none")  # fmt: skip


def provenance(made: Provenance) -> Iterator[Block]:
    """Yield with what the run was made."""
    yield Heading("With what it was made")
    rows = (*made.inputs, ("all inputs, sizes, seed", made.inputs_digest))
    yield Grid("sha256 of every input.", ("File", "sha256"), rows, (0.3, 0.7))
    yield Bullets(tuple(f"{name} {version}" for name, version in made.software))
