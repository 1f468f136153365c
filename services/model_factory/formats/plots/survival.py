"""Kaplan-Meier curves by group with intervals, the log-rank test and the numbers still followed."""

from __future__ import annotations

from services.model_factory.formats.plots.frame import SERIES, Entry, Plot, Span, key, p_text, shortened, stepped
from services.model_factory.handlers.training.curves import SurvivalByGroup, SurvivalStep
from shared.pictures.scene import Area, Part, Scene, Words, wrapped

_SHADED = 2
"""More bands than this hide each other."""
_WIDTHS = (2.0, 1.2, 2.0, 1.2, 2.0, 1.2)


def survival_scene(one: SurvivalByGroup) -> Scene:
    """Return the curves of one grouping."""
    title = f"Free of the event by {one.variable.replace('_', ' ')}"
    last = max(len(curve.at_risk) for curve in one.curves) - 1
    years = Span(0.0, float(max(last, 1)), "years", tuple(float(y) for y in range(0, max(last, 1) + 1, 2)))
    plot = Plot(120, 50, 260, 200, years, Span(0.0, 1.0, "free of the event", (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)))
    parts: list[Part] = [*plot.axes(title)]
    entries, shaded = [], len(one.curves) <= _SHADED
    for place, curve in enumerate(one.curves):
        colour, width, dashed = SERIES[place % 8], _WIDTHS[place % 6], place % 2 == 1
        parts += _curve(plot, curve, colour, width, dashed=dashed, shaded=shaded)
        entries.append(Entry(f"{shortened(curve.group, 8.5, 95)} ({curve.events}/{curve.n})", colour, width, dashed))
    parts += key(entries, 395, 66)
    band = "bands: 95 % interval" if shaded else "intervals are left out: they overlap"
    notes = [f"log-rank {one.logrank_chi2:.1f}, {p_text(one.logrank_p)}", *wrapped(one.grouping, 8.5, 150), band]
    parts += [Words(395, 66 + 13 * (len(entries) + 1 + n), text, 8.5) for n, text in enumerate(notes)]
    parts += _at_risk(plot, one)
    groups = "; ".join(f"{c.group}: {c.events} events of {c.n}" for c in one.curves)
    description = f"{title}, {one.grouping}. {groups}. Log-rank {p_text(one.logrank_p)}."
    return Scene(560, 306 + 13 * len(one.curves), title, description, tuple(parts))


def _curve(plot: Plot, curve: SurvivalStep, colour: str, width: float, *, dashed: bool, shaded: bool) -> list[Part]:
    points = [(0.0, 1.0), *zip(curve.years, curve.survival, strict=True)]
    line = plot.steps(points, colour, width, dashed=dashed)
    if not shaded:
        return [line]
    low, high = (stepped([(0.0, 1.0), *zip(curve.years, limit, strict=True)]) for limit in (curve.low, curve.high))
    shape = (*(plot.at(x, y) for x, y in high), *(plot.at(x, y) for x, y in reversed(low)))
    return [Area(shape, colour, 0.15), line]


def _at_risk(plot: Plot, one: SurvivalByGroup) -> list[Part]:
    top = plot.top + plot.height + 44
    parts: list[Part] = [Words(10, top, "Still followed", 8.5, bold=True)]
    for number, curve in enumerate(one.curves, start=1):
        y = top + 13 * number
        parts.append(Words(10, y, shortened(curve.group, 8.5, 95), 8.5, colour=SERIES[(number - 1) % 8]))
        for year in range(0, len(curve.at_risk), 2):
            x, _ = plot.at(float(year), 0.0)
            parts.append(Words(x, y, str(curve.at_risk[year]), 8.5, "middle"))
    return parts
