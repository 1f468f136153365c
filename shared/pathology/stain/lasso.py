"""How much of each of two stains a pixel has: the non-negative lasso in two variables, in closed form.

Minimise 1/2 |x - h1 w1 - h2 w2|^2 + penalty (h1 + h2) over h1, h2 >= 0 with |w1| = |w2| = 1. With b = (w1.x - penalty,
w2.x - penalty) and g = w1.w2 >= 0 the optimality conditions leave three cases: both positive, one zero, both zero. All
three are

    h1 = max(0, min(b1, (b1 - g b2) / (1 - g^2)))

and the same with 1 and 2 exchanged: where b2 <= g b1 (so that h2 = 0) the quotient is at least b1, else below it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def concentrations(
    density: NDArray[np.float64], vectors: NDArray[np.float64], penalty: float = 0.0
) -> NDArray[np.float64]:
    """Return (2, n): the concentration of either stain in each pixel, exact.

    Args:
        density: (3, n), optical density.
        vectors: (2, 3), unit length, non-negative, not parallel.
        penalty: Of the lasso; 0: non-negative least squares.
    """
    projected = vectors @ density
    if penalty:
        projected -= penalty
    shared = float(vectors[0] @ vectors[1])
    free = (projected - shared * projected[::-1]) / (1 - shared * shared)
    np.minimum(free, projected, out=free)
    return np.maximum(free, 0, out=free)
