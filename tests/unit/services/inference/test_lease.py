"""The heartbeat: renews, notices a loss, and leaves no thread behind."""

from __future__ import annotations

import threading
import time

from services.inference.handlers.lease import Lease
from shared.domain.errors import StaleAttemptError, UnavailableError


def test_a_lease_is_renewed_while_the_block_runs() -> None:
    enough, calls = threading.Event(), []

    def renew() -> float:
        calls.append(1)
        if len(calls) >= 3:
            enough.set()
        return 0.03

    with Lease(renew, 0.03, time.monotonic):
        assert enough.wait(10)


def test_a_lost_lease_has_nothing_left() -> None:
    asked = threading.Event()

    def renew() -> float:
        asked.set()
        raise StaleAttemptError("case-a", 1)

    with Lease(renew, 0.03, lambda: 0.0) as lease:
        assert asked.wait(10)
        lease._thread.join(10)
        assert lease.remaining_s() == 0.0


def test_a_ledger_that_is_away_for_a_moment_does_not_end_the_heartbeat() -> None:
    again, calls = threading.Event(), []

    def renew() -> float:
        calls.append(1)
        if len(calls) == 1:
            raise UnavailableError("results")
        again.set()
        return 0.03

    with Lease(renew, 0.03, time.monotonic):
        assert again.wait(10)


def test_the_thread_is_gone_after_the_block() -> None:
    with Lease(lambda: 60.0, 60.0, time.monotonic) as lease:
        assert lease.remaining_s() > 0
    assert not lease._thread.is_alive()
