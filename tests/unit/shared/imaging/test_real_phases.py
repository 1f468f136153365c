"""The rules of phase picking on real studies: a breast with 25 time points, and 937 patients' published phases."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import loadmat

from shared.domain.images import PhaseRole
from shared.imaging.brightening import brightened_share
from shared.imaging.choice import choose_dynamic
from shared.imaging.dynamic import DynamicChoice, FrameHeader
from shared.testing.dynamic_frames import temporal_positions

pytestmark = pytest.mark.shared_data


def _choice(frames: Sequence[FrameHeader], images: NDArray[Any] | None = None) -> DynamicChoice:
    def brightened(first: Sequence[FrameHeader], second: Sequence[FrameHeader]) -> float | None:
        assert images is not None
        pair = [images[(one[0].temporal_position or 0) - 1][None] for one in (first, second)]
        return brightened_share(*pair)

    choice = choose_dynamic(frames, brightened=None if images is None else brightened)
    assert isinstance(choice, DynamicChoice)
    return choice


def test_in_a_real_breast_contrast_arrives_where_its_arterial_curve_rises(shared_data: Path) -> None:
    study = loadmat(shared_data / "mri" / "dce" / "invivo.mat")
    times, arterial = study["t"].ravel(), study["Cp"].ravel()
    choice = _choice(temporal_positions(times.tolist(), slices=1), study["DCEdata"])

    before, early = choice.of(PhaseRole.PRE), choice.of(PhaseRole.EARLY)
    assert before is not None
    assert early is not None
    arrived = int(np.argmax(arterial > 0.1 * arterial.max()))  # so many phases lie before it: the artery is the first
    assert before.number == arrived == 4
    assert early.seconds is not None
    assert 90.0 <= early.seconds <= 90.0 + 16.43  # the first of those inside the window
    assert early.seconds == pytest.approx((early.number - before.number - 1) * 16.43 + 16.43 / 2, abs=0.02)


def test_the_first_phase_near_two_minutes_is_the_one_the_trial_took(shared_data: Path) -> None:
    """I-SPY 2 acquires phases of 80 to 100 s, at least eight minutes after contrast; the sheet states no times."""
    with (shared_data / "cohorts" / "ispy2_metadata.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["post_early"]]
    assert len(rows) == 937
    early, late = 0, 0
    for row in rows:
        phases = int(row["n_times"])
        lasts = min(max(540.0 / (phases - 1), 80.0), 100.0)
        starts = [0.0, *(lasts + 20.0 + lasts * n for n in range(phases - 1))]
        choice = _choice([_injected(one, lasts) for one in temporal_positions(starts, slices=1)])
        numbers = [choice.of(role) for role in (PhaseRole.PRE, PhaseRole.EARLY, PhaseRole.LATE)]
        found = [one.number - 1 if one else None for one in numbers]
        assert found[0] == float(row["pre"])
        early += found[1] == float(row["post_early"])
        late += abs((found[2] or 0) - float(row["post_late"])) <= 1
    assert (early, len(rows)) == (935, 937)
    assert late == len(rows)  # within one phase: ours are nominal times


def _injected(frame: FrameHeader, lasts: float) -> FrameHeader:
    return replace(frame, bolus_seconds=lasts + 5.0, duration_seconds=lasts)
