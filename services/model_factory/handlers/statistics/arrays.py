"""The arrays every statistic takes and gives: one entry per row, a row is one patient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
"""Numbers; where columns are meant, (rows, columns)."""
Flags = NDArray[np.bool_]
Labels = NDArray[np.intp]
"""Whole numbers: groups, folds, causes, positions."""
