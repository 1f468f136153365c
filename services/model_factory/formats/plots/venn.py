"""Venn diagram of three selectors: how many candidates each combination chose."""

from __future__ import annotations

from services.model_factory.formats.plots.frame import SERIES
from services.model_factory.handlers.training.selected import VennCount
from shared.pictures.scene import Part, Ring, Scene, Words

_CENTRES = {"lasso": (190.0, 130.0), "random_forest": (310.0, 130.0), "xgboost": (250.0, 230.0)}
_RADIUS = 100.0
_NAMES = {"lasso": (118.0, 22.0), "random_forest": (382.0, 22.0), "xgboost": (250.0, 348.0)}


def venn_scene(regions: tuple[VennCount, ...]) -> Scene:
    """Return the circles of ``lasso``, ``random_forest`` and ``xgboost`` with the count of every region."""
    parts: list[Part] = [
        Ring(x, y, _RADIUS, SERIES[place], 1.8) for place, (x, y) in enumerate(_CENTRES.values())
    ]  # fmt: skip
    for place, (name, (x, y)) in enumerate(_NAMES.items()):
        total = sum(one.count for one in regions if name in one.methods)
        text = f"{name.replace('_', ' ')} ({total})"
        parts.append(Words(x, y, text, 10.0, "middle", bold=True, colour=SERIES[place]))
    for one in regions:
        x, y = _place(one.methods)
        every = len(one.methods) == len(_CENTRES)
        parts.append(Words(x, y + 5, str(one.count), 17.0 if every else 13.0, "middle", bold=every))
    said = "; ".join(f"{' and '.join(one.methods)} only: {one.count}" for one in regions)
    return Scene(500, 360, "Candidates chosen by the three selectors", f"Venn diagram. {said}.", tuple(parts))


def _place(methods: tuple[str, ...]) -> tuple[float, float]:
    """Return the middle of a region: pulled away from the circles it is not in."""
    middle = (250.0, 163.0)
    inside = [_CENTRES[name] for name in methods if name in _CENTRES]
    x, y = (sum(axis) / len(inside) for axis in zip(*inside, strict=True))
    reach = {1: 1.55, 2: 1.35, 3: 0.0}[len(inside)]
    return middle[0] + reach * (x - middle[0]), middle[1] + reach * (y - middle[1])
