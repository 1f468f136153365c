"""Net benefit of the model, of everybody and of nobody over the thresholds, with the action it is about."""

from __future__ import annotations

from services.model_factory.formats.plots.frame import SERIES, Entry, Plot, Span, key, span
from services.model_factory.handlers.training.curves import DecisionCurve, DecisionLine
from shared.pictures.scene import Part, Scene, Words, wrapped

_FIXED = {"model": 0, "all": 1, "none": 7}


def decision_scene(one: DecisionCurve) -> Scene:
    """Return the decision curves of one horizon."""
    kind = one.kind.replace("_", " ")
    title = f"Decision curves at {one.years} years, {kind}" if one.years else f"Decision curves, {one.model}, {kind}"
    top = max(value for line in one.lines for value in line.net_benefit)
    plot = Plot(50, 50, 300, 250, _along(one), _up(top))
    parts: list[Part] = [*plot.axes(title)]
    entries, free = [], iter((2, 3, 4, 5, 6))
    for line in one.lines:
        place = _FIXED.get(line.strategy)
        own = place if place is not None else next(free, 6)
        width, dashed = (2.2, False) if line.strategy == "model" else (1.0, place is None)
        if line.low:
            parts.append(plot.band(one.thresholds, line.low, line.high))
        points = [pair for pair in zip(one.thresholds, line.net_benefit, strict=True) if pair[1] >= plot.y.low]
        parts.append(plot.curve(points, SERIES[own], width, dashed=dashed))
        entries.append(Entry(_label(line, one.model), SERIES[own], width, dashed))
    parts += key(entries, 370, 66)
    action = wrapped(f"Action at or above the threshold: {one.action}", 8.5, 170)
    y = 66 + 13 * (len(entries) + 1)
    parts += [Words(370, y + 12 * n, text, 8.5, bold=True) for n, text in enumerate(action)]
    y += 12 * (len(action) + 1)
    note = wrapped("Net benefit below the axis is not drawn. Band: 95 % interval of the model.", 8.5, 170)
    parts += [Words(370, y + 12 * n, text, 8.5) for n, text in enumerate(note)]
    return Scene(560, 345, title, f"{title}. Action: {one.action}. {_ranges(one)}", tuple(parts))


def _along(one: DecisionCurve) -> Span:
    return span(
        0.0, max(one.thresholds), "threshold of the risk" if one.years else "threshold of the predicted probability"
    )


def _up(top: float) -> Span:
    found = span(0.0, max(top, 0.01), "net benefit")
    step = found.ticks[1] - found.ticks[0]
    low = -step
    return Span(low, found.high, found.label, (low, *found.ticks))


def _label(line: DecisionLine, model: str) -> str:
    known = {
        "model": model.split(".", maxsplit=1)[0].replace("_", " ") or "the model",
        "all": "everybody",
        "none": "nobody",
    }
    return known.get(line.strategy, line.strategy.replace("_", " "))


def _ranges(one: DecisionCurve) -> str:
    lines = {line.strategy: line.net_benefit for line in one.lines}
    if not {"model", "all"} <= set(lines):
        return ""
    rows = zip(one.thresholds, lines["model"], lines["all"], strict=True)
    better = [threshold for threshold, model, everybody in rows if model > max(everybody, 0.0)]
    if not better:
        return "At no threshold is the model better than everybody and nobody."
    return f"The model is better than everybody and nobody at thresholds between {min(better):g} and {max(better):g}."
