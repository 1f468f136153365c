"""What lies beyond a slide's edges is its background, whatever a reader or a padded tile would show there."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image

from shared.domain.slides import PyramidLevel
from shared.slides.colour import Colour

Read = Callable[[tuple[int, int]], Image.Image]
"""Returns so many pixels (width, height) from the upper left corner of a region, in RGB."""


def corner(level: PyramidLevel, x: int, y: int) -> tuple[int, int]:
    """Return the pixel of ``level`` that (x, y) of level 0 is."""
    return round(x / level.downsample), round(y / level.downsample)


def within(level: PyramidLevel, at: tuple[int, int], size: tuple[int, int], ground: Colour, read: Read) -> Image.Image:
    """Return a region whose corner is the pixel ``at`` of ``level``; only what lies inside is read."""
    inside = min(size[0], level.width - at[0]), min(size[1], level.height - at[1])
    if inside == size:
        return read(size)
    out = Image.new("RGB", size, ground)
    if min(inside) > 0:
        out.paste(read(inside))
    return out
