"""The colours of a heatmap: dark to light, violet over orange to a pale yellow, evenly spaced in lightness.

Lightness (CIELAB L*) rises by the same step from entry to entry, so that equal differences of the value look equally
large, in colour, on a grey printer and to colour-blind eyes; hue only helps. CIELAB: CIE 015:2018, white D65; sRGB: IEC
61966-2-1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

OUTLINE = (0, 255, 200)
"""The region's outline: a hue that the table does not have."""
ENTRIES = 256
# L*, a*, b* along the way.
_STOPS = np.array(
    [[4, 4, -10], [24, 36, -38], [43, 55, -8], [62, 48, 42], [80, 14, 62], [95, -6, 30]], dtype=np.float64
)
_WHITE = np.array([0.95047, 1.0, 1.08883])  # D65, 2 degrees
_TO_SRGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
_DELTA = 6 / 29


def table() -> NDArray[np.uint8]:
    """Return (256, 3): the colour of each value from 0 to the largest."""
    at = np.linspace(_STOPS[0, 0], _STOPS[-1, 0], ENTRIES)
    lab = np.stack([at, *(np.interp(at, _STOPS[:, 0], _STOPS[:, channel]) for channel in (1, 2))], axis=1)
    return np.round(255 * _srgb(lab)).astype(np.uint8)


def _srgb(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    middle = (lab[:, 0] + 16) / 116
    f = np.stack([middle + lab[:, 1] / 500, middle, middle - lab[:, 2] / 200], axis=1)
    xyz = np.where(f > _DELTA, f**3, 3 * _DELTA**2 * (f - 4 / 29)) * _WHITE
    linear = np.clip(xyz @ _TO_SRGB.T, 0.0, 1.0)
    shown: NDArray[np.float64] = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return shown
