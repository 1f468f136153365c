"""The closed form is the exact minimum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls

from shared.pathology.stain.lasso import concentrations
from tests.unit.shared.pathology.stained import vectors

numbers = st.floats(0, 5)


@given(st.tuples(numbers, numbers, numbers))
def test_it_is_the_non_negative_least_squares_solution(pixel: tuple[float, float, float]) -> None:
    ours = concentrations(np.array([pixel]).T, vectors())[:, 0]
    assert ours == pytest.approx(nnls(vectors().T, np.array(pixel))[0], abs=1e-9)


@given(st.tuples(numbers, numbers, numbers), st.floats(0.001, 1))
def test_no_step_along_either_stain_or_both_lowers_the_penalised_sum(
    pixel: tuple[float, float, float], penalty: float
) -> None:
    seen, stains = np.array(pixel), vectors()
    ours = concentrations(seen[:, None], stains, penalty)[:, 0]

    def cost(amounts: np.ndarray) -> float:
        return 0.5 * float(((seen - stains.T @ amounts) ** 2).sum()) + penalty * float(amounts.sum())

    assert ours.min() >= 0
    for step in (1e-4, 1e-2, 0.3):
        for way in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1)):
            other = np.maximum(ours + step * np.array(way), 0)
            assert cost(other) >= cost(ours) - 1e-12
