"""Checks are asked together, each for a limited time, and not more often than an answer is worth."""

from __future__ import annotations

import threading
import time

import pytest

from shared.domain.errors import UnavailableError
from shared.observability.health import Health


def unavailable() -> str:
    raise UnavailableError("redis cannot be reached (ConnectionError)")


def defect() -> str:
    raise ValueError("SECRET-MRN")


def test_what_is_wrong_is_told_by_the_name_of_its_check() -> None:
    health = Health({"disk": lambda: "3 MiB free: make room", "ledger": lambda: "", "redis": unavailable})

    assert health.problems() == {
        "disk": "3 MiB free: make room",
        "redis": "redis cannot be reached (ConnectionError)",
    }


def test_a_check_that_breaks_is_told_without_its_text() -> None:
    assert Health({"one": defect}).problems() == {"one": "the check broke (ValueError)"}


def test_a_check_that_hangs_costs_no_more_than_the_limit_and_is_not_called_again() -> None:
    release, calls = threading.Event(), []

    def hang() -> str:
        calls.append(1)
        release.wait(30)
        return ""

    health = Health({"slow": hang, "fast": lambda: ""}, limit_s=0.05, keep_s=0.0)
    try:
        for _ in range(3):
            assert health.problems() == {"slow": "did not answer within 0.05 s"}
        assert calls == [1]
    finally:
        release.set()


def test_an_answer_is_kept_for_a_while() -> None:
    calls: list[int] = []
    clock = [0.0]

    def count() -> str:
        calls.append(1)
        return "full"

    health = Health({"disk": count}, keep_s=2.0, ticks=lambda: clock[0])
    for moment in (0.0, 1.0, 1.9):
        clock[0] = moment
        assert health.problems() == {"disk": "full"}
    assert len(calls) == 1
    clock[0] = 2.0
    health.problems()
    assert len(calls) == 2


def test_many_may_ask_at_once() -> None:
    def look() -> str:
        time.sleep(0.01)
        return "trouble"

    health = Health({"one": look}, keep_s=60.0)
    found: list[dict[str, str]] = []
    threads = [threading.Thread(target=lambda: found.append(health.problems())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [{"one": "trouble"}] * 8


@pytest.mark.parametrize("checks", [{}, {"one": lambda: ""}])
def test_nothing_wrong_is_nothing(checks: dict[str, object]) -> None:
    assert Health(checks).problems() == {}  # type: ignore[arg-type]
