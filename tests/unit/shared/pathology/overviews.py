"""Overviews of made-up glass at 8 micrometres per pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tests.unit.shared.pathology.stained import vectors

UM = 8.0
CLEAR = (243, 242, 244)


def glass(height: int = 200, width: int = 260, colour: tuple[int, int, int] = CLEAR) -> NDArray[np.uint8]:
    """Return bare glass with a sensor's noise."""
    noise = np.random.default_rng(5).normal(0, 0.7, (height, width, 3))
    return np.clip(np.rint(np.array(colour) + noise), 0, 255).astype(np.uint8)


def lay(
    slide: NDArray[np.uint8], where: tuple[slice, slice], amounts: tuple[float, float], *, varying: float = 0.25
) -> None:
    """Lay tissue on the glass: mean optical density of haematoxylin and eosin, with the variation tissue has."""
    shape = slide[where].shape[:2]
    draw = np.random.default_rng(6)
    strength = np.maximum(np.array(amounts)[:, None, None] * (1 + varying * draw.normal(size=(2, *shape))), 0)
    density = np.tensordot(strength, vectors(), axes=(0, 0))
    slide[where] = np.rint(slide[where] * np.exp(-density)).astype(np.uint8)


def ink(slide: NDArray[np.uint8], where: tuple[slice, slice], colour: tuple[int, int, int]) -> None:
    """Draw a stroke; ink multiplies what lies below."""
    slide[where] = np.rint(slide[where] * (np.array(colour) / 255)).astype(np.uint8)
