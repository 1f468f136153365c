"""Where a person says the tumour is: outlines in pixels of level 0, or a mask over the whole slide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from shared.domain.errors import InvalidInputError

Points = NDArray[np.float64]
"""(k, 2): x and y of a closed outline, in pixels of level 0."""

MOST_OUTSIDE = 0.05
"""Share of an annotation's points that may lie beyond the slide's edge: a hand that slipped, not another slide's."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """One outline with what is cut out of it."""

    outer: Points
    holes: tuple[Points, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Annotation:
    """The tumour of one slide. One of both is given; the other is empty."""

    regions: tuple[Region, ...] = ()
    left_out: tuple[Region, ...] = ()
    """No tumour, although within a region (ASAP's ``Exclusion``)."""
    mask: NDArray[np.bool_] | None = None
    """(h, w) over the whole slide, at whatever scale."""


def tumour_mask(annotation: Annotation, width: int, height: int, shrink: float) -> NDArray[np.bool_]:
    """Return (height / shrink, width / shrink): True where the tumour is.

    Args:
        annotation: Of the slide.
        width: Of level 0, in pixels.
        height: Of level 0, in pixels.
        shrink: Pixels of level 0 in one of the mask.

    Raises:
        InvalidInputError: If the annotation cannot be this slide's: its points lie beyond the edge, or its mask has
            another shape.
    """
    size = max(1, round(width / shrink)), max(1, round(height / shrink))
    if annotation.mask is not None:
        return _resized(annotation.mask, (width, height), size)
    refuse_outside(annotation, width, height)
    mask = np.zeros(size[::-1], dtype=np.bool_)
    for region in annotation.regions:
        mask |= _drawn(region, size, shrink)
    for region in annotation.left_out:
        mask &= ~_drawn(region, size, shrink)
    return mask


def refuse_outside(annotation: Annotation, width: int, height: int) -> None:
    """Refuse outlines that are not on the slide."""
    points = np.concatenate([one.outer for one in annotation.regions])
    outside = (points < 0).any(axis=1) | (points[:, 0] > width) | (points[:, 1] > height)
    if outside.mean() > MOST_OUTSIDE:
        text = f"{outside.mean():.0%} of its points lie beyond the slide; is it another slide's, or of another level?"
        raise InvalidInputError("annotation", text)


def _drawn(region: Region, size: tuple[int, int], shrink: float) -> NDArray[np.bool_]:
    canvas = Image.new("1", size)
    pen = ImageDraw.Draw(canvas)
    for points, inside in ((region.outer, 1), *((hole, 0) for hole in region.holes)):
        # A pixel of the mask is filled where its centre is inside.
        corners: list[tuple[float, float]] = [(float(x), float(y)) for x, y in points / shrink - 0.5]
        pen.polygon(corners, fill=inside)
    return np.asarray(canvas, dtype=np.bool_)


def _resized(mask: NDArray[np.bool_], slide: tuple[int, int], size: tuple[int, int]) -> NDArray[np.bool_]:
    rows, columns = mask.shape
    scale = slide[0] / columns
    # Rounding to whole pixels may cost one row of the mask.
    if abs(slide[1] - rows * scale) > scale + 1:
        text = f"the mask is {columns} x {rows}, the slide {slide[0]} x {slide[1]}: they are not of the same shape"
        raise InvalidInputError("annotation", text)
    made = Image.fromarray(mask).resize(size, Image.Resampling.NEAREST)
    return np.asarray(made, dtype=np.bool_)
