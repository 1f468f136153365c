"""What a stain fit says: optical density of haematoxylin and eosin, and how well it can be trusted. Values only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class StainFit:
    """Two stains of one slide, and how strong they are on it."""

    vectors: NDArray[np.float64]
    """(2, 3): haematoxylin, eosin; optical density of red, green, blue; non-negative, unit length."""
    strengths: NDArray[np.float64]
    """(2,): 99th percentile of each stain's concentration on the sampled tissue."""
    residual: float
    """Share of the optical density the two stains do not explain, in [0, 1]."""
    angle_degrees: float
    method: str
    """``vahadane`` or the fallback's name."""
    fallback: str = ""
    """Why the fit was not used; empty where it was."""
