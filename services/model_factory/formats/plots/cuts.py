"""The search for the best cut of a measured variable: the statistic at every cut that was tried."""

from __future__ import annotations

from services.model_factory.formats.plots.frame import SERIES, Plot, p_text, span
from services.model_factory.handlers.training.curves import MaximalCut
from shared.pictures.scene import Line, Part, Scene, Words


def cut_scene(one: MaximalCut) -> Scene:
    """Return the standardised log-rank statistic over the cuts, the chosen one and its bootstrap interval."""
    title = f"Cut of {one.variable.replace('_', ' ')}"
    along = span(min(one.cuts), max(one.cuts), f"cut ({one.unit})")
    plot = Plot(50, 50, 300, 180, along, span(0.0, max(one.statistics), "standardised log-rank statistic"))
    parts: list[Part] = [*plot.axes(title)]
    if one.interval:
        ends = [plot.at(value, plot.y.low)[0] for value in one.interval]
        parts.append(plot.band(one.interval, (plot.y.low,) * 2, (plot.y.high,) * 2))
        parts += [Line(x, plot.top, x, plot.top + plot.height, 0.6, SERIES[0], dashed=True) for x in ends]
    parts.append(plot.steps(list(zip(one.cuts, one.statistics, strict=True)), SERIES[0], 1.2))
    x, _ = plot.at(one.cut, 0.0)
    parts.append(Line(x, plot.top, x, plot.top + plot.height, 1.8, SERIES[1]))
    between = f"{one.interval[0]:.3g} to {one.interval[1]:.3g}" if one.interval else "not computed"
    said = [
        f"best cut {one.cut:.3g} {one.unit}", f"95 % bootstrap interval {between}",
        f"{p_text(one.p)}, corrected for the search", "data-driven: no rule for a clinic",
    ]  # fmt: skip
    parts += [Words(365, 66 + 13 * n, text, 8.5, bold=not n) for n, text in enumerate(said)]
    return Scene(560, 275, title, f"{title}: {'; '.join(said)}.", tuple(parts))
