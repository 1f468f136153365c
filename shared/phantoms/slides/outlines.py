"""Closed outlines on the glass: tissue, tumour nests, folds; as polygons in pixels and as masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from shared.phantoms.slides.optics import Field

_CORNERS = 72


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """A star-shaped closed line."""

    points: NDArray[np.float64]
    """(n, 2): x and y in pixels of level 0."""
    centre: tuple[float, float]
    radius: float


def draw_outline(rng: np.random.Generator, centre: tuple[float, float], radius: float, unrest: float) -> Outline:
    """Draw a round line whose radius wavers by the share ``unrest``."""
    angle = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    waves = np.arange(2, 8)
    sizes = unrest * rng.standard_normal((2, len(waves))) / waves
    wavering = 1 + sizes[0] @ np.cos(np.outer(waves, angle)) + sizes[1] @ np.sin(np.outer(waves, angle))
    length = radius * np.clip(wavering, 0.5, 1.6)
    points = np.stack([centre[0] + length * np.cos(angle), centre[1] + length * np.sin(angle)], axis=1)
    return Outline(points, centre, radius)


def nests_within(
    rng: np.random.Generator, tissue: Outline, radii: tuple[float, float], share: float
) -> tuple[Outline, ...]:
    """Draw nests inside ``tissue`` until they fill ``share`` of it, or no place is found; they do not touch.

    Args:
        rng: Source.
        tissue: The piece.
        radii: Smallest and largest mean radius, in pixels.
        share: Of the tissue's area.
    """
    found: list[Outline] = []
    wanted = share * tissue.radius**2
    for _ in range(400):
        if sum(one.radius**2 for one in found) >= wanted:
            break
        radius = rng.uniform(*radii)
        turn, out = rng.uniform(0, 2 * np.pi), tissue.radius * 0.85 * np.sqrt(rng.random())
        centre = (tissue.centre[0] + out * np.cos(turn), tissue.centre[1] + out * np.sin(turn))
        if all(np.hypot(centre[0] - o.centre[0], centre[1] - o.centre[1]) > 1.12 * (radius + o.radius) for o in found):
            found.append(draw_outline(rng, centre, radius, 0.16))
    return tuple(found)


def numbered(outlines: tuple[Outline, ...], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return (height, width): 0 outside, else the number of the outline, from 1 (at most 255)."""
    canvas = Image.new("L", (shape[1], shape[0]))
    pen = ImageDraw.Draw(canvas)
    for number, one in enumerate(outlines, start=1):
        pen.polygon([(float(x), float(y)) for x, y in one.points], fill=number)
    return np.array(canvas)


def smooth(rng: np.random.Generator, shape: tuple[int, int], pixels: float) -> Field:
    """Return a random field of mean 0 and standard deviation about 1 that varies over ``pixels``."""
    small = tuple(max(3, round(side / pixels) + 2) for side in shape)
    drawn = rng.standard_normal(small, dtype=np.float32)
    wide = Image.fromarray(drawn).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(wide, dtype=np.float32) * np.float32(1.3)
