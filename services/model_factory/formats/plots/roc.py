"""ROC curves: at one horizon one line per way of judging; of yes and no one line per model."""

from __future__ import annotations

from services.model_factory.formats.plots.frame import SERIES, Entry, Plot, key, share
from services.model_factory.handlers.training.curves import RocCurve
from services.model_factory.handlers.training.stated import Estimated
from shared.pictures.scene import Part, Scene


def roc_scene(curves: tuple[RocCurve, ...], performance: tuple[Estimated, ...], event: str = "") -> Scene:
    """Return the curves of one horizon, or of one way of judging, with their AUC in the key; ``event``: for people."""
    years = curves[0].years
    title = f"Time-dependent ROC at {years} years" if years else f"ROC{_of(event)}, {curves[0].kind.replace('_', ' ')}"
    plot = Plot(50, 50, 260, 260, share("1 - specificity"), share("sensitivity"))
    parts: list[Part] = [*plot.axes(title), plot.diagonal()]
    entries, said = [], []
    for place, one in enumerate(curves):
        dashed = one.model.endswith("forest") if one.model else one.kind == "apparent"
        points = list(zip(one.false_positive_rate, one.true_positive_rate, strict=True))
        parts.append(plot.curve(points, SERIES[place], 1.8, dashed=dashed))
        label = _label(one, performance)
        entries.append(Entry(label, SERIES[place], 1.8, dashed))
        said.append(label)
    parts += key(entries, 330, 70)
    wide = 560 if years else 640
    return Scene(wide, 350, title, f"{title}. {'; '.join(said)}.", tuple(parts))


def _of(event: str) -> str:
    return f" of {event}" if event else ""


def _label(curve: RocCurve, performance: tuple[Estimated, ...]) -> str:
    kind = (curve.model or curve.kind).replace("_", " ").replace(".", ", ")
    name = f"auc_{curve.years}y" if curve.years else "auc"
    same = (one for one in performance if (one.kind, one.name, one.model) == (curve.kind, name, curve.model))
    found = next(same, None)
    if found is None or found.value is None:
        return kind
    between = f" ({found.interval[0]:.3f} to {found.interval[1]:.3f})" if found.interval else ""
    return f"{kind}: {found.value:.3f}{between}"
