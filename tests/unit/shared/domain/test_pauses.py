"""Pauses between tries double, and end at the longest."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.pauses import Pauses


@pytest.mark.parametrize(("tries", "seconds"), [(0, 2), (1, 4), (3, 16), (5, 60), (10**9, 60)])
def test_a_pause_doubles_with_every_failure_up_to_the_longest(tries: int, seconds: float) -> None:
    assert Pauses(2.0, 60.0).after(tries) == timedelta(seconds=seconds)
