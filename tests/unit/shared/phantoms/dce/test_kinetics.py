"""The agent comes and goes as the published models say."""

from __future__ import annotations

import numpy as np
import pytest

from shared.phantoms.dce.kinetics import Curve, Echo, concentration, plasma, signal, unit_uptake


def test_the_bolus_peaks_where_parkers_population_average_does() -> None:
    minutes = np.linspace(0, 6, 2001)
    blood = plasma(minutes) * (1 - 0.42)

    assert minutes[blood.argmax()] == pytest.approx(0.17, abs=0.02)
    assert blood.max() == pytest.approx(6.0, abs=0.4)
    assert blood[-1] == pytest.approx(1.05 * np.exp(-0.1685 * 6), rel=0.02)
    assert plasma(np.array([-1.0])) == 0


def test_uptake_is_the_convolution_of_plasma_with_an_exponential() -> None:
    t = np.arange(0, 3, 0.0005)
    reference = float(np.sum(plasma(t) * np.exp(-0.8 * (3 - t))) * 0.0005)

    assert unit_uptake(0.8, 3.0) == pytest.approx(reference, rel=0.02)


def test_a_high_rate_back_washes_out_and_a_low_one_does_not() -> None:
    late = {kep: concentration(Curve(0.2, kep), 6.0) / concentration(Curve(0.2, kep), 1.5) for kep in (0.1, 0.8)}

    assert late[0.8] < 0.75
    assert late[0.1] > 1.0


def test_signal_rises_with_the_agent_and_follows_the_spoiled_echo() -> None:
    one = np.ones(1, dtype=np.float32)
    values = [float(signal(one, one * 0.7, one * agent, Echo())[0]) for agent in (0.0, 0.2, 0.5)]
    e1, alpha = np.exp(-0.005 * 0.7), np.radians(12)

    assert values == sorted(values)
    assert values[0] == pytest.approx(np.sin(alpha) * (1 - e1) / (1 - np.cos(alpha) * e1), rel=1e-3)
