"""Loss of a network by epoch: of the patients it learns from, and of those that stop it."""

from __future__ import annotations

from services.model_factory.formats.plots.frame import SERIES, Entry, Plot, key, span
from shared.pictures.scene import Dot, Part, Scene


def losses_scene(losses: tuple[tuple[float, float], ...]) -> Scene:
    """Return both curves; ``losses`` are (training, validation) per epoch."""
    title = "Loss of the network by epoch"
    top = max([value for pair in losses for value in pair], default=1.0)
    plot = Plot(60, 50, 300, 180, span(1.0, float(max(len(losses), 2)), "epoch"), span(0.0, top, "cross-entropy"))
    parts: list[Part] = [*plot.axes(title)]
    entries = []
    for place, name in enumerate(("training", "validation")):
        points = [(float(epoch), pair[place]) for epoch, pair in enumerate(losses, start=1)]
        if len(points) > 1:
            parts.append(plot.curve(points, SERIES[place], 1.8, dashed=bool(place)))
        parts += [Dot(*plot.at(*point), 3.0, SERIES[place]) for point in points[:1]]
        entries.append(Entry(name, SERIES[place], 1.8, dashed=bool(place)))
    parts += key(entries, 380, 66)
    last = f"; last {losses[-1][0]:.3f} and {losses[-1][1]:.3f}" if losses else ""
    return Scene(560, 275, title, f"{title}, training and validation{last}.", tuple(parts))
