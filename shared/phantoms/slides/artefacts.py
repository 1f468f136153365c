"""What goes wrong on the way to the scanner: a pen on the glass, a fold in the tissue, a region out of focus."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from shared.phantoms.slides.optics import Field

PENS = {"blue": (3.4, 1.9, 0.35), "green": (2.9, 0.75, 2.2), "black": (3.3, 3.3, 3.2)}
"""Optical density of ink, red, green, blue."""
_FOLD_UM, _PEN_UM = 50.0, 110.0
_BLUR_UM = 3.5


@dataclass(frozen=True, slots=True)
class Artefacts:
    """What one slide has; each drawn apart from everything else."""

    pen: str = ""
    """Colour of the ink; empty: none."""
    fold: bool = False
    blur: bool = False


CLEAN = Artefacts()
"""Nothing went wrong."""


def draw_artefacts(rng: np.random.Generator) -> Artefacts:
    """Draw: a pen on one slide of seven, a fold on one of seven, a blurred region on one of eight."""
    pen = str(rng.choice(list(PENS))) if rng.random() < 0.14 else ""
    return Artefacts(pen, bool(rng.random() < 0.14), bool(rng.random() < 0.12))


def band(rng: np.random.Generator, shape: tuple[int, int], width: float, reach: float) -> NDArray[np.bool_]:
    """Return a curved stroke of ``width`` pixels, as long as ``reach`` of the slide's side."""
    canvas = Image.new("L", (shape[1], shape[0]))
    start = np.array([rng.uniform(0.25, 0.75) * shape[1], rng.uniform(0.25, 0.75) * shape[0]])
    turns = rng.uniform(0, 2 * np.pi) + np.cumsum(0.18 * rng.standard_normal(30))
    step = reach * min(shape) / 30
    path = start + np.cumsum(step * np.stack([np.cos(turns), np.sin(turns)], axis=1), axis=0)
    ImageDraw.Draw(canvas).line([(float(x), float(y)) for x, y in path], fill=1, width=round(width), joint="curve")
    return np.array(canvas, dtype=np.bool_)


def folded(rng: np.random.Generator, stains: tuple[Field, Field], microns: float) -> NDArray[np.bool_]:
    """Lay the tissue in three layers along a stroke, in place; return where."""
    where = band(rng, (stains[0].shape[0], stains[0].shape[1]), _FOLD_UM / microns, 0.7)
    for one in stains:
        one[where] *= np.float32(3.0)
    return where


def ink(rng: np.random.Generator, shape: tuple[int, int], colour: str, microns: float) -> Field:
    """Return (height, width, 3): the optical density of a stroke of a pen."""
    stroke = band(rng, shape, _PEN_UM / microns, 0.95)
    soft = ndimage.uniform_filter(stroke.astype(np.float32), 5)
    return np.asarray(soft[..., None] * np.array(PENS[colour], dtype=np.float32))


def out_of_focus(rng: np.random.Generator, stains: tuple[Field, Field], microns: float) -> NDArray[np.bool_]:
    """Blur a square of a quarter of the side, in place; return where."""
    height, width = stains[0].shape
    top, left = int(rng.uniform(0.25, 0.5) * height), int(rng.uniform(0.25, 0.5) * width)
    region = (slice(top, top + height // 4), slice(left, left + width // 4))
    for one in stains:
        one[region] = ndimage.gaussian_filter(one[region], _BLUR_UM / microns)
    where = np.zeros((height, width), dtype=np.bool_)
    where[region] = True
    return where
