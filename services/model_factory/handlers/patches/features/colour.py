"""Colour and stain of every pixel: CIE L*a*b*, and the amounts of haematoxylin and eosin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.pathology.patch_contract import StainReference
from shared.pathology.stain.lasso import concentrations
from shared.pathology.stain.transform import reference_vectors

Channel = NDArray[np.float64]
Pixels = NDArray[np.uint8]
"""(h, w, 3), sRGB."""

_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
"""sRGB primaries, white D65 (IEC 61966-2-1)."""
_WHITE = np.array([0.95047, 1.0, 1.08883])
_EDGE, _SLOPE, _OFFSET = (6 / 29) ** 3, (29 / 6) ** 2 / 3, 4 / 29
"""Of the cube root near black (CIE 15:2004)."""


def lab(rgb: Pixels) -> tuple[Channel, Channel, Channel]:
    """Return L* (0 to 100), a* (green to red) and b* (blue to yellow)."""
    stored = rgb / 255.0
    light = np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)
    share = light @ _XYZ.T / _WHITE
    root = np.where(share > _EDGE, np.cbrt(share), share * _SLOPE + _OFFSET)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def stains(rgb: Pixels, reference: StainReference) -> tuple[Channel, Channel]:
    """Return the amounts of haematoxylin and eosin, of a patch that was brought to ``reference``."""
    density = -np.log(np.maximum(rgb.reshape(-1, 3), 1) / 255.0)
    found = concentrations(np.ascontiguousarray(density.T), reference_vectors(reference))
    amounts = found.reshape(2, *rgb.shape[:2])
    return amounts[0], amounts[1]
