"""What each selector thinks of the candidates: bars, most important first, the chosen ones filled dark."""

from __future__ import annotations

from services.model_factory.formats.plots.frame import BAND, SERIES, shortened
from services.model_factory.handlers.training.selected import MethodSelection
from shared.pictures.scene import Area, Line, Part, Scene, Words, wrapped

_LABELS, _BARS, _ROW, _SHOWN = 190.0, 270.0, 13.0, 20


def importance_scene(method: MethodSelection) -> Scene:
    """Return the bars of one selector; at most the 20 most important candidates."""
    title = f"Importance by {method.method.replace('_', ' ')}"
    rows = method.importances[:_SHOWN]
    most = max((one.importance for one in rows), default=0.0) or 1.0
    parts: list[Part] = [Words(10, 18, title, 10.5, bold=True)]
    y = 18.0
    for line in wrapped(f"chosen (dark, *): {method.rule}", 8.5, 520):
        y += 12
        parts.append(Words(10, y, line, 8.5))
    y += 10
    top = y
    for one in rows:
        y += _ROW
        name = shortened(one.candidate.replace("_", " ") + (" *" if one.chosen else ""), 8.5, _LABELS - 10)
        parts.append(Words(_LABELS, y, name, 8.5, "end", bold=one.chosen))
        end = _LABELS + 6 + _BARS * one.importance / most
        bar = ((_LABELS + 6, y - 8), (end, y - 8), (end, y + 1), (_LABELS + 6, y + 1))
        parts.append(Area(bar, SERIES[0] if one.chosen else BAND))
        parts.append(Words(end + 5, y, f"{one.importance:.3g}", 8.0))
    parts.append(Line(_LABELS + 6, top + 3, _LABELS + 6, y + 4, 1.0))
    left = len(method.importances) - len(rows)
    if left:
        y += 15
        parts.append(Words(_LABELS + 6, y, f"and {left} more, each less important", 8.5))
    chosen = [one.candidate for one in method.importances if one.chosen]
    description = f"{title}. Rule: {method.rule}. Chosen: {', '.join(chosen) or 'none'}."
    return Scene(560, y + 12, title, description, tuple(parts))
