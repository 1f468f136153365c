"""Where a pathologist drew the tumour, as a coarse mask over the slide."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from shared.domain.errors import InvalidInputError

MASK_UM = 4.0
"""Micrometres per pixel of the mask: a sixteenth of the smallest patch."""


def annotated(path: Path, width: int, height: int, microns_per_pixel: float) -> tuple[NDArray[np.bool_], float]:
    """Return (rows, columns) over the whole slide, and the micrometres per pixel of it.

    Args:
        path: GeoJSON of QuPath: polygons in pixels of level 0.
        width: Of level 0.
        height: Of level 0.
        microns_per_pixel: Of level 0.

    Raises:
        InvalidInputError: If it is no such file.
    """
    shrink = max(1.0, MASK_UM / microns_per_pixel)
    mask = Image.new("1", (max(1, int(width / shrink)), max(1, int(height / shrink))))
    draw = ImageDraw.Draw(mask)
    for rings in _polygons(path):
        for number, ring in enumerate(rings):
            draw.polygon([(x / shrink, y / shrink) for x, y in ring], fill=int(number == 0))
    return np.asarray(mask), shrink * microns_per_pixel


def _polygons(path: Path) -> Iterator[list[list[tuple[float, float]]]]:
    try:
        found: Any = json.loads(path.read_bytes())
        for feature in found["features"]:
            shape = feature["geometry"]
            parts = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
            for part in parts:
                yield [[(float(x), float(y)) for x, y in ring] for ring in part]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInputError("annotation", "is no GeoJSON of polygons") from error
