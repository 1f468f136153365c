"""Cumulative incidence of the event with the competing event, beside 1 - Kaplan-Meier."""

from __future__ import annotations

from services.model_factory.formats.plots.frame import SERIES, Entry, Plot, key, span
from services.model_factory.handlers.training.curves import CumulativeIncidence
from shared.pictures.scene import Part, Scene


def incidence_scene(one: CumulativeIncidence, event: str, competing: str) -> Scene:
    """Return the three curves."""
    title = "Cumulative incidence with the competing event"
    top = max([*one.event, *one.competing, *one.one_minus_km])
    plot = Plot(50, 50, 300, 220, span(0.0, max(one.years), "years"), span(0.0, top, "cumulative incidence"))
    lines = (
        (one.event, Entry(event, SERIES[0], 1.8)),
        (one.one_minus_km, Entry("the same by 1 - Kaplan-Meier", SERIES[1], 1.2, dashed=True)),
        (one.competing, Entry(competing or "competing event", SERIES[7], 1.2)),
    )
    parts: list[Part] = [*plot.axes(title)]
    for values, entry in lines:
        points = [(0.0, 0.0), *zip(one.years, values, strict=True)]
        parts.append(plot.steps(points, entry.colour, entry.width, dashed=entry.dashed))
    parts += key([entry for _, entry in lines], 365, 66)
    last = f"At {one.years[-1]:.1f} years: {event} {one.event[-1]:.3f}, by Kaplan-Meier {one.one_minus_km[-1]:.3f}, "
    return Scene(560, 312, title, f"{title}. {last}{competing} {one.competing[-1]:.3f}.", tuple(parts))
