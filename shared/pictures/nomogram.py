"""The nomogram as a scene: where every axis, tick, mark and text lies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shared.domain.prediction import HorizonRisk
from shared.pictures.caption import Caption, percent
from shared.pictures.chart import Chart, InputAxis, Marks, RiskAxis, Tick
from shared.pictures.scene import MARK, SOFT, Dot, Line, Part, Scene, Words, width_of, wrapped
from shared.pictures.sheet import MARGIN, WIDTH, above, below, lowest

LEFT, RIGHT = 196.0, 660.0
"""Ends of the axes of points and of total points."""
COLUMN = WIDTH - MARGIN
"""Right edge of the column of values."""
ROW = 43.0
LONG_TICK, SHORT_TICK = 6.0, 3.5
LABEL_GAP = 5.0
TICK_GAP = 3.5
"""Least distance of two ticks, in points of length."""


@dataclass(frozen=True, slots=True)
class _Row:
    y: float
    title: str
    subtitle: str
    start: float
    end: float
    """In points of length."""


def nomogram_scene(chart: Chart, caption: Caption, marks: Marks | None = None) -> Scene:
    """Return the nomogram; with ``marks`` the patient's values, points and risks and the lines that read them."""
    head = list(above(caption))
    top = lowest(head) + 38
    rows = _rows(chart, top)
    parts: list[Part] = [*head]
    if marks:
        parts += _reading_lines(chart, marks, rows)
    parts += _axes(chart, rows)
    if marks:
        parts += _marked(chart, marks, rows, top)
    bottom = rows[-1].y + 34
    notes = list(below(caption, bottom))
    height = lowest(notes, bottom) + MARGIN / 2 + 6
    return Scene(WIDTH, height, caption.title, described(chart, caption, marks), (*parts, *notes))


def _rows(chart: Chart, top: float) -> list[_Row]:
    """Return points, every input, total points, every horizon."""
    rows = [_Row(top, "Points", "", LEFT, RIGHT)]
    for axis in chart.inputs:
        subtitle = f"{axis.unit}; seen: {axis.seen}" if axis.unit else ""
        start, end = _x(axis.start, 100.0), _x(axis.end, 100.0)
        rows.append(_Row(top + ROW * len(rows), axis.label, subtitle, start, end))
    rows.append(_Row(top + ROW * len(rows), "Total points", "", LEFT, RIGHT))
    for risk in chart.risks:
        places = [tick.at for tick in risk.ticks] or [0.0]
        start, end = _x(min(places), chart.total), _x(max(places), chart.total)
        rows.append(_Row(top + ROW * len(rows), f"Risk within {risk.years} years", "percent", start, end))
    return rows


def _x(points: float, whole: float) -> float:
    return LEFT + (RIGHT - LEFT) * points / whole


def _axes(chart: Chart, rows: list[_Row]) -> Iterator[Part]:
    count = len(chart.inputs)
    yield from _axis(rows[0], _even(100.0, 10.0, 2.0), 100.0, above=True)
    for row, axis in zip(rows[1:], chart.inputs, strict=False):
        yield from _axis(row, (axis.ticks, ()), 100.0)
    step = next((one for one in (10.0, 20.0, 50.0) if chart.total / one <= 24), 100.0)
    yield from _axis(rows[count + 1], _even(chart.total, step, step / 5), chart.total)
    for row, risk in zip(rows[count + 2 :], chart.risks, strict=True):
        yield from _refused(row, risk) if risk.refused else _axis(row, (risk.ticks, ()), chart.total)


def _even(end: float, step: float, small: float) -> tuple[tuple[Tick, ...], tuple[float, ...]]:
    labelled = tuple(Tick(step * index, f"{step * index:g}") for index in range(int(end / step + 1e-9) + 1))
    return labelled, tuple(small * index for index in range(int(end / small + 1e-9) + 1))


def _axis(
    row: _Row, ticks: tuple[tuple[Tick, ...], tuple[float, ...]], whole: float, *, above: bool = False
) -> Iterator[Part]:
    yield from _titles(row)
    yield Line(row.start, row.y, row.end, row.y, 1.0)
    labelled, bare = _chosen(ticks, whole)
    side = -1 if above else 1
    for x in bare:
        yield Line(x, row.y, x, row.y + side * SHORT_TICK, 0.6)
    for x, label in labelled:
        yield Line(x, row.y, x, row.y + side * LONG_TICK, 0.9)
        yield Words(x, row.y + (-9 if above else 16), label, 8.5, "middle", backed=True)


def _titles(row: _Row) -> Iterator[Part]:
    yield Words(MARGIN, row.y + 3, row.title, 10.0, bold=True)
    if row.subtitle:
        yield Words(MARGIN, row.y + 14, row.subtitle, 8.0, colour=SOFT)


def _refused(row: _Row, risk: RiskAxis) -> Iterator[Part]:
    yield Words(MARGIN, row.y + 3, row.title, 10.0, bold=True)
    for number, text in enumerate(wrapped(f"No risk is given: {risk.refused}", 9.0, COLUMN - LEFT)):
        yield Words(LEFT, row.y + 3 + 12 * number, text, 9.0, backed=True)


def _chosen(
    ticks: tuple[tuple[Tick, ...], tuple[float, ...]], whole: float
) -> tuple[list[tuple[float, str]], list[float]]:
    """Return the ticks that have room for their label, in their order of importance, and those that have not."""
    labelled: list[tuple[float, str]] = []
    bare: list[float] = []
    for tick in ticks[0]:
        x, half = _x(tick.at, whole), width_of(tick.label, 8.5) / 2
        room = all(abs(x - other) >= half + width_of(text, 8.5) / 2 + LABEL_GAP for other, text in labelled)
        if tick.label and room:
            labelled.append((x, tick.label))
        else:
            bare.append(x)
    small = [*bare, *(_x(one, whole) for one in ticks[1])]
    taken = [x for x, _ in labelled]
    return labelled, _spaced(small, taken)


def _spaced(places: Iterable[float], taken: list[float]) -> list[float]:
    kept: list[float] = []
    for x in places:
        if all(abs(x - other) >= TICK_GAP for other in (*taken, *kept)):
            kept.append(x)
    return kept


def _reading_lines(chart: Chart, marks: Marks, rows: list[_Row]) -> Iterator[Part]:
    """From every value up to its points, and from the total down to every risk."""
    for row, axis in zip(rows[1:], chart.inputs, strict=False):
        x = _x(marks.points[axis.name], 100.0)
        yield Line(x, row.y, x, rows[0].y, 0.8, MARK, dashed=True)
    x = _x(marks.total, chart.total)
    yield Line(x, rows[len(chart.inputs) + 1].y, x, _lowest(chart, rows), 1.2, MARK, dashed=True)


def _lowest(chart: Chart, rows: list[_Row]) -> float:
    risks = zip(rows[len(chart.inputs) + 2 :], chart.risks, strict=True)
    return max([row.y for row, risk in risks if not risk.refused] or [rows[len(chart.inputs) + 1].y])


def _marked(chart: Chart, marks: Marks, rows: list[_Row], top: float) -> Iterator[Part]:
    yield Words(COLUMN - 52, top + 3, "this patient", 8.5, "end", colour=SOFT)
    yield Words(COLUMN, top + 3, "points", 8.5, "end", colour=SOFT)
    for row, axis in zip(rows[1:], chart.inputs, strict=False):
        yield from _marked_input(row, axis, marks)
    total = rows[len(chart.inputs) + 1]
    yield Dot(_x(marks.total, chart.total), total.y)
    yield Words(COLUMN, total.y + 3, f"{marks.total:.1f}", 11.0, "end", bold=True)
    by_years = {one.years: one for one in marks.horizons}
    for row, risk in zip(rows[len(chart.inputs) + 2 :], chart.risks, strict=True):
        if not risk.refused and risk.years in by_years:
            yield from _marked_risk(chart, row, risk, by_years[risk.years])


def _marked_input(row: _Row, axis: InputAxis, marks: Marks) -> Iterator[Part]:
    points = marks.points[axis.name]
    stated = marks.values.get(axis.name, "")
    yield Dot(_x(points, 100.0), row.y)
    yield Words(COLUMN - 52, row.y + 3, f"{stated} {axis.unit}".strip(), 10.0, "end")
    yield Words(COLUMN, row.y + 3, f"{points:.1f}", 10.0, "end", bold=True)


def _marked_risk(chart: Chart, row: _Row, risk: RiskAxis, found: HorizonRisk) -> Iterator[Part]:
    if found.probability is None:
        return
    if found.interval:
        low, high = (_x(chart.place(risk, one), chart.total) for one in found.interval)
        yield Line(low, row.y, high, row.y, 4.0, MARK)
        yield from (Line(x, row.y - 6, x, row.y + 6, 3.0, MARK) for x in (low, high))
        yield Words(COLUMN, row.y + 16, interval_text(found.interval), 8.5, "end")
    yield Dot(_x(chart.place(risk, found.probability), chart.total), row.y)
    yield Words(COLUMN, row.y + 3, f"{percent(found.probability)} %", 12.0, "end", bold=True)


def interval_text(interval: tuple[float, float]) -> str:
    """Return an interval of a risk as people read it."""
    return f"95 % interval {percent(interval[0])} to {percent(interval[1])} %"


def described(chart: Chart, caption: Caption, marks: Marks | None) -> str:
    """Return the nomogram in words: what the picture's alternative text says."""
    said = [
        f"{caption.banner}" if caption.banner else "",
        f"{caption.title}: a nomogram with {len(chart.inputs)} inputs.",
    ]
    if marks is None:
        said += [f"{axis.label}: {axis.start:.0f} to {axis.end:.0f} points." for axis in chart.inputs]
        return " ".join(filter(None, said))
    for axis in chart.inputs:
        stated = f"{marks.values.get(axis.name, '')} {axis.unit}".strip()
        said.append(f"{axis.label} {stated}: {marks.points[axis.name]:.1f} points.")
    said.append(f"Total: {marks.total:.1f} points.")
    said += [_risk_said(one) for one in marks.horizons]
    return " ".join(filter(None, said))


def _risk_said(one: HorizonRisk) -> str:
    if one.probability is None:
        return f"No risk within {one.years} years: {one.refused}."
    between = f" ({interval_text(one.interval)})" if one.interval else ""
    return f"Risk within {one.years} years: {percent(one.probability)} %{between}."
