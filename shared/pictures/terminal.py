"""The nomogram in a terminal: one axis per two lines, the patient's marks on it."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from shared.domain.prediction import HorizonRisk
from shared.pictures.caption import Caption, percent
from shared.pictures.chart import Chart, InputAxis, Marks, RiskAxis, Tick
from shared.pictures.nomogram import interval_text

NAME_COLUMNS = 28
VALUE_COLUMNS = 22
SHORTEST_AXIS = 24
_STEPS = (10.0, 20.0, 50.0, 100.0)


def nomogram_text(chart: Chart, caption: Caption, marks: Marks | None = None, columns: int = 100) -> Text:
    """Return the nomogram as lines of at most ``columns`` characters (at least 74)."""
    width = max(SHORTEST_AXIS, columns - NAME_COLUMNS - VALUE_COLUMNS)
    lines = [Text(caption.title, "bold"), *(Text(line, "dim") for line in caption.lines)]
    lines += [Text(caption.banner, "bold reverse")] if caption.banner else []
    lines += [Text(), *_axis("Points", "", _even(100.0, width), (0.0, 100.0), 100.0, width)]
    for axis in chart.inputs:
        lines += _input(axis, marks, width)
    total = None if marks is None else marks.total
    said = "" if marks is None else f"{marks.total:.1f} points"
    whole = chart.total
    lines += _axis("Total points", said, _even(whole, width), (0.0, whole), whole, width, total)
    for risk in chart.risks:
        lines += _risk(chart, risk, marks, width)
    lines += [Text(f"! {note}", overflow="fold") for note in caption.notes]
    return Text("\n").join(lines)


def _even(end: float, width: int) -> tuple[Tick, ...]:
    step = next((one for one in _STEPS if width * one / end >= len(f" {end:g}") + 1), _STEPS[-1])
    return tuple(Tick(step * index, f"{step * index:g}") for index in range(int(end / step + 1e-9) + 1))


def _input(axis: InputAxis, marks: Marks | None, width: int) -> list[Text]:
    at, said = None, ""
    if marks:
        at = marks.points[axis.name]
        stated = f"{marks.values.get(axis.name, '')} {axis.unit}".strip()
        said = f"{stated:>13} {at:6.1f}"
    name = f"{axis.label}, {axis.unit}" if axis.unit else axis.label
    return _axis(name, said, axis.ticks, (axis.start, axis.end), 100.0, width, at)


def _risk(chart: Chart, axis: RiskAxis, marks: Marks | None, width: int) -> list[Text]:
    name = f"Risk in {axis.years} years, %"
    if axis.refused:
        return [Text(f"{name:<{NAME_COLUMNS}}none: {axis.refused}"), Text()]
    found = next((one for one in marks.horizons if one.years == axis.years), None) if marks else None
    places = [tick.at for tick in axis.ticks]
    span = (min(places), max(places))
    if found is None or found.probability is None:
        return _axis(name, "", axis.ticks, span, chart.total, width)
    at = chart.place(axis, found.probability)
    lines = _axis(name, f"{percent(found.probability)} %", axis.ticks, span, chart.total, width, at)
    return [*lines[:-1], _with_interval(lines[-1], found, width)]


def _with_interval(line: Text, found: HorizonRisk, width: int) -> Text:
    if found.interval is None:
        return line
    said = interval_text(found.interval).removeprefix("95 % interval ")
    axis = line.plain.ljust(NAME_COLUMNS + width)
    return Text(f"{axis}{f'({said})':>{NAME_COLUMNS + width + VALUE_COLUMNS - len(axis)}}")


def _axis(
    name: str,
    said: str,
    ticks: Iterable[Tick],
    span: tuple[float, float],
    whole: float,
    width: int,
    mark: float | None = None,
) -> list[Text]:
    """Return the line of an axis and that of its labels; ticks come most important first."""
    start, end = (_column(place, whole, width) for place in span)
    cells = [" "] * start + ["─"] * (end - start + 1)
    labels = [" "] * (width + 4)
    for tick in ticks:
        _write(labels, cells, _column(tick.at, whole, width), tick.label)
    cells[start], cells[end] = ("├", "┤") if end > start else ("│", "│")
    line = Text(f"{name[: NAME_COLUMNS - 1]:<{NAME_COLUMNS}}")
    line.append("".join(cells).ljust(width))
    if mark is not None:
        place = NAME_COLUMNS + min(end, max(start, _column(mark, whole, width)))
        line = Text.assemble(line[:place], ("●", "bold blue"), line[place + 1 :])
    line.append(f" {said:>{VALUE_COLUMNS - 1}}", "bold")
    return [line, Text(" " * (NAME_COLUMNS - 2) + "".join(labels).rstrip())]


def _column(at: float, whole: float, width: int) -> int:
    return round(at / whole * (width - 1))


def _write(labels: list[str], cells: list[str], at: int, label: str) -> None:
    """Put a label under its tick, if there is room; ``labels`` begins two columns before the axis."""
    first = max(0, at + 2 - (len(label) - 1) // 2)
    room = labels[max(0, first - 1) : first + len(label) + 1]
    if first + len(label) > len(labels) or any(one != " " for one in room):
        return
    labels[first : first + len(label)] = label
    if 0 <= at < len(cells):
        cells[at] = "┬"
