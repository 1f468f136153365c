"""From blood to signal: population arterial input, extended Tofts model, spoiled gradient echo.

Times in minutes inside this module, concentrations in mmol/l, rates in 1/min, relaxation times in milliseconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
RELAXIVITY = 4.5
"""Of a gadolinium chelate, l/mmol/s."""
_HAEMATOCRIT = 0.42
_STEP_MIN = 1.0 / 120.0
_LONGEST_MIN = 15.0


@dataclass(frozen=True, slots=True)
class Curve:
    """How a tissue takes up and gives back (extended Tofts: Tofts et al. 1999, doi:10.1002/(SICI)1522-2586(199909))."""

    ktrans: float
    """Transfer constant, 1/min."""
    kep: float
    """Rate back into blood, 1/min: high is washout, low is persistent enhancement."""
    vp: float = 0.0
    """Share of plasma."""


@dataclass(frozen=True, slots=True)
class Echo:
    """A spoiled gradient echo: repetition time in milliseconds, flip angle in degrees."""

    repetition_ms: float = 5.0
    flip_degrees: float = 12.0


def plasma(minutes: Numbers) -> Numbers:
    """Return the concentration in plasma after a standard dose (Parker et al. 2006, doi:10.1002/mrm.21066)."""
    t = np.maximum(minutes, 0.0)
    blood = 1.050 * np.exp(-0.1685 * t) / (1.0 + np.exp(-38.078 * (t - 0.483)))
    for area, centre, width in ((0.809, 0.17046, 0.0563), (0.330, 0.365, 0.132)):
        blood = blood + area / (width * math.sqrt(2 * math.pi)) * np.exp(-((t - centre) ** 2) / (2 * width**2))
    return np.where(minutes <= 0, 0.0, blood / (1.0 - _HAEMATOCRIT))


@cache
def unit_uptake(kep: float, minutes: float) -> float:
    """Return what one unit of Ktrans has brought into the tissue ``minutes`` after the injection, mmol/l."""
    if minutes <= 0:
        return 0.0
    t = np.arange(0.0, min(minutes, _LONGEST_MIN), _STEP_MIN)
    return float(np.sum(plasma(t) * np.exp(-kep * (minutes - t))) * _STEP_MIN)


def concentration(curve: Curve, minutes: float) -> float:
    """Return the contrast agent in the tissue, mmol/l."""
    blood = float(plasma(np.array([minutes]))[0])
    return curve.ktrans * unit_uptake(curve.kep, minutes) + curve.vp * blood


def signal(
    density: NDArray[np.float32], rate: NDArray[np.float32], agent: NDArray[np.float32], echo: Echo
) -> NDArray[np.float32]:
    """Return the steady-state signal: proton density, R1 without agent (1/s) and agent (mmol/l) per voxel."""
    alpha = math.radians(echo.flip_degrees)
    e1 = np.exp(np.float32(-echo.repetition_ms / 1000.0) * (rate + np.float32(RELAXIVITY) * agent))
    top = np.float32(math.sin(alpha)) * (1 - e1)
    return np.asarray(density * top / (1 - np.float32(math.cos(alpha)) * e1), dtype=np.float32)
