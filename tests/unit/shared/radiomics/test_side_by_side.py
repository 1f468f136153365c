from __future__ import annotations

import os
import time
from functools import partial

import psutil
import pytest

from shared.radiomics.side_by_side import Numbers, in_turn, side_by_side

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
"""Of newer Pythons, where pytest has threads of its own."""


def whose(name: str) -> Numbers:
    time.sleep(0.02)
    return {name: float(os.getpid())}


def fails(in_child: bool) -> Numbers:
    time.sleep(0.05)
    if (os.getpid() != PARENT) == in_child:
        raise ValueError("no such number")
    return {}


PARENT = os.getpid()


def test_both_processes_work_and_every_job_is_done_once() -> None:
    found = side_by_side([partial(whose, f"{n}") for n in range(12)])

    assert sorted(found, key=int) == [f"{n}" for n in range(12)]
    assert len(set(found.values())) == 2


def test_jobs_in_turn_are_all_done_here() -> None:
    assert in_turn([partial(whose, "a"), partial(whose, "b")]) == {"a": os.getpid(), "b": os.getpid()}


@pytest.mark.parametrize("in_child", [False, True])
def test_a_failure_in_either_process_is_raised_and_no_process_is_left(in_child: bool) -> None:
    before = {one.pid for one in psutil.Process().children()}

    with pytest.raises(ValueError, match="no such number"):
        side_by_side([partial(fails, in_child) for _ in range(4)])

    assert {one.pid for one in psutil.Process().children()} <= before


def test_a_second_process_that_dies_is_noticed() -> None:
    def dies() -> Numbers:
        if os.getpid() != PARENT:
            os._exit(9)
        time.sleep(0.02)
        return {}

    with pytest.raises(ChildProcessError, match="without an answer"):
        side_by_side([dies] * 8)
