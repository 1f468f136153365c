"""Cross-validated deviance along the penalty of the LASSO, with the penalty that was taken."""

from __future__ import annotations

import math

from services.model_factory.formats.plots.frame import SERIES, Plot, span
from services.model_factory.handlers.training.selected import LassoPath
from shared.pictures.scene import Line, Part, Scene, Words


def path_scene(one: LassoPath) -> Scene:
    """Return deviance with its standard error; only where the deviance was kept."""
    title = "LASSO: deviance along the penalty"
    x = [math.log10(value) for value in one.lambdas]
    low = [d - s for d, s in zip(one.deviance, one.standard_error, strict=True)]
    high = [d + s for d, s in zip(one.deviance, one.standard_error, strict=True)]
    plot = Plot(60, 50, 300, 180, span(min(x), max(x), "log10 of the penalty"), span(min(low), max(high), "deviance"))
    parts: list[Part] = [*plot.axes(title), plot.band(x, low, high)]
    parts.append(plot.curve(list(zip(x, one.deviance, strict=True)), SERIES[0]))
    at, _ = plot.at(math.log10(one.chosen), plot.y.low)
    parts.append(Line(at, plot.top, at, plot.top + plot.height, 1.6, SERIES[1], dashed=True))
    said = [f"taken: {one.chosen:.4g} (dashed line)", "band: one standard error"]
    parts += [Words(375, 66 + 13 * n, text, 8.5) for n, text in enumerate(said)]
    return Scene(560, 275, title, f"{title}; {'; '.join(said)}.", tuple(parts))
