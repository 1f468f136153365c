"""What runs inside the jail to read slides: paths in, trees and a filled window out. One child reads one slide."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.domain.errors import InvalidInputError
from shared.jail.slides_tree import PatchTask, packed_description, packed_trouble
from shared.jail.window import Filling
from shared.pathology.background import is_background
from shared.pathology.patches import prepared
from shared.pathology.trouble import SlideProblem, SlideTrouble
from shared.slides.opening import opened
from shared.slides.overview import draw_overview, overview_size
from shared.slides.patches import PatchReading
from shared.slides.port import SlideReader

_UNREADABLE = SlideTrouble(SlideProblem.UNREADABLE, "A part of the slide cannot be read: it is cut short or damaged.")
_kept: dict[tuple[str, ...], SlideReader] = {}


def describe(paths: list[str], container: str, *, window: Filling) -> dict[str, Any]:
    """Return the description, or the trouble."""
    del window
    found = opened([Path(one) for one in paths], container)
    if isinstance(found, SlideTrouble):
        return {"trouble": packed_trouble(found)}
    found.close()
    return {"description": packed_description(found.description)}


def overview(paths: list[str], um: float, um_per_px: float, *, window: Filling) -> dict[str, Any]:
    """Return where in the window the overview lies, and its micrometres per pixel."""
    found = _opened(paths)
    if isinstance(found, SlideTrouble):
        return {"trouble": packed_trouble(found)}
    window.clear()
    size = overview_size(found.description.width, found.description.height, um / um_per_px)
    out = window.room((size.height, size.width, 3), np.uint8)
    try:
        draw_overview(found, size, out)
    except InvalidInputError:
        return {"trouble": packed_trouble(_UNREADABLE)}
    return {"overview": window.put(out), "um_per_px": size.shrink * um_per_px}


def read(paths: list[str], task: dict[str, Any], *, window: Filling) -> dict[str, Any]:
    """Return which of the patches are background, and where in the window the others lie, in the order asked for."""
    found = _opened(paths)
    if isinstance(found, SlideTrouble):
        return {"trouble": packed_trouble(found)}
    window.clear()
    wanted = PatchTask.from_tree(task)
    try:
        return _read(found, wanted, window)
    except InvalidInputError:
        return {"trouble": packed_trouble(_UNREADABLE)}


def _read(reader: SlideReader, task: PatchTask, window: Filling) -> dict[str, Any]:
    side = task.contract.input_px
    reading = PatchReading(reader, task.side_px, side)
    shape, kind = ((side, side, 3), np.uint8) if task.fit is None else ((3, side, side), np.float32)
    pixels: NDArray[Any] = window.room((len(task.corners), *shape), kind)
    kept: list[int] = []
    for place, (x, y) in enumerate(task.corners):
        rgb = reading.rgb(x, y)
        if not is_background(rgb, task.contract.background_variance):
            pixels[len(kept)] = rgb if task.fit is None else prepared(rgb, task.fit, task.contract)
            kept.append(place)
    return {"kept": kept, "pixels": window.put(pixels[: len(kept)]) if kept else None}


def _opened(paths: list[str]) -> SlideReader | SlideTrouble:
    key = tuple(paths)
    if key not in _kept:
        for other in _kept.values():
            with suppress(Exception):
                other.close()
        _kept.clear()
        found = opened([Path(one) for one in paths])
        if isinstance(found, SlideTrouble):
            return found
        _kept[key] = found
    return _kept[key]
