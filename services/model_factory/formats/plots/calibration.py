"""Predicted against observed, of a risk at a horizon or of yes and no: groups, the smooth curve, its corrected twin."""

from __future__ import annotations

from services.model_factory.formats.plots.frame import SERIES, Entry, Plot, key, p_text, span
from services.model_factory.handlers.training.curves import CalibrationCurve
from shared.pictures.scene import SOFT, Dot, Line, Part, Scene, Words


def calibration_scene(one: CalibrationCurve) -> Scene:
    """Return one calibration curve."""
    kind = one.kind.replace("_", " ")
    title = f"Calibration at {one.years} years, {kind}" if one.years else f"Calibration, {one.model}, {kind}"
    seen = "observed risk (1 - Kaplan-Meier)" if one.years else "observed share"
    most = max([*one.smooth_predicted, *(g.interval[1] for g in one.groups), *(g.predicted for g in one.groups), 0.1])
    along = span(0.0, min(1.0, most), "predicted risk" if one.years else "predicted probability")
    plot = Plot(50, 50, 260, 260, along, span(0.0, min(1.0, most), seen))
    parts: list[Part] = [*plot.axes(title), plot.diagonal()]
    entries = [Entry("perfect", SOFT, 0.8, dashed=True)]
    if one.smooth_predicted:
        parts.append(plot.curve(list(zip(one.smooth_predicted, one.smooth_observed, strict=True)), SERIES[0], 1.8))
        entries.append(Entry("smooth curve", SERIES[0], 1.8))
    if one.smooth_corrected:
        points = list(zip(one.smooth_predicted, one.smooth_corrected, strict=True))
        parts.append(plot.curve(points, SERIES[1], 1.8, dashed=True))
        entries.append(Entry("corrected for optimism", SERIES[1], 1.8, dashed=True))
    for group in one.groups:
        low, high = (plot.at(group.predicted, value) for value in group.interval)
        parts.append(Line(*low, *high, 1.2))
        parts.append(Dot(*plot.at(group.predicted, group.observed), 4.0, "#000000"))
    parts += key(entries, 330, 70)
    said = [f"dots: {len(one.groups)} groups by prediction", *_numbers(one)]
    parts += [Words(330, 70 + 13 * (len(entries) + 1 + n), text, 8.5) for n, text in enumerate(said)]
    return Scene(560, 350, title, f"{title}. {'; '.join(said)}.", tuple(parts))


def _numbers(one: CalibrationCurve) -> list[str]:
    found = [f"{name} {value:.4f}" for name, value in (("ICI", one.ici), ("E50", one.e50), ("E90", one.e90))
             if value is not None]  # fmt: skip
    if one.gnd_p is not None and one.gnd_statistic is not None:
        found.append(f"Greenwood-Nam-D'Agostino {one.gnd_statistic:.2f}, {p_text(one.gnd_p)}")
    return found
