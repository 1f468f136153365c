"""How often each candidate was chosen when the patients were drawn again."""

from __future__ import annotations

from services.model_factory.formats.plots.frame import BAND, SERIES, shortened
from services.model_factory.handlers.training.selected import Selection
from shared.pictures.scene import Area, Line, Part, Scene, Words

_LABELS, _BARS, _ROW, _SHOWN = 190.0, 200.0, 14.0, 20


def frequencies_scene(selection: Selection) -> Scene:
    """Return a bar per candidate (the intersection) and beside it what each selector chose alone."""
    title = f"Chosen in {selection.draws} bootstrap draws of the whole pipeline"
    rows = sorted(selection.frequencies, key=lambda one: (-one.intersection, -one.xgboost, one.candidate))[:_SHOWN]
    parts: list[Part] = [Words(10, 18, title, 10.5, bold=True)]
    heads = ("lasso", "forest", "xgboost")
    parts += [Words(455 + 45 * n, 38, head, 8.5, "end") for n, head in enumerate(heads)]
    parts.append(Words(_LABELS + 6, 38, "all three (%)", 8.5))
    y = 42.0
    for one in rows:
        y += _ROW
        kept = one.candidate in selection.chosen
        name = shortened(one.candidate.replace("_", " ") + (" *" if kept else ""), 8.5, _LABELS - 10)
        parts.append(Words(_LABELS, y, name, 8.5, "end", bold=kept))
        end = _LABELS + 6 + _BARS * one.intersection
        bar = ((_LABELS + 6, y - 8), (end, y - 8), (end, y + 1), (_LABELS + 6, y + 1))
        parts.append(Area(bar, SERIES[0] if kept else BAND))
        parts.append(Words(end + 5, y, f"{100 * one.intersection:.0f}", 8.0))
        alone = (one.lasso, one.random_forest, one.xgboost)
        parts += [Words(455 + 45 * n, y, f"{100 * value:.0f}", 8.5, "end") for n, value in enumerate(alone)]
    parts.append(Line(_LABELS + 6, 46, _LABELS + 6, y + 4, 1.0))
    y += 17
    parts.append(Words(10, y, "* in the final model. Candidates chosen less often than those shown are left out.", 8.5))
    said = "; ".join(f"{one.candidate} {one.intersection:.0%}" for one in rows[:10])
    return Scene(560, y + 10, title, f"{title}: {said}.", tuple(parts))
