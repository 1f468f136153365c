"""A step that fails is called again, and its text never reaches a log."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import structlog

from shared.domain.errors import UnavailableError
from shared.observability import loops
from shared.observability.loops import Loop
from shared.testing.ports import wait_until


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "PAUSE_AFTER_TROUBLE_S", 0.0)


@pytest.fixture
def logged() -> Iterator[list[dict[str, object]]]:
    with structlog.testing.capture_logs() as lines:
        yield lines  # type: ignore[misc]


def run(outcomes: list[Exception | None]) -> None:
    """Call a step that ends as scripted, until the script is through."""
    done = threading.Event()

    def step() -> None:
        if not outcomes:
            done.set()
            return
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome

    loop = Loop("step", step, 0.0)
    loop.start()
    wait_until(done.is_set, "the script")
    assert loop.stop()


def test_a_defect_does_not_end_the_loop_and_only_its_place_is_logged(logged: list[dict[str, object]]) -> None:
    run([ValueError("SECRET-MRN"), None])

    assert [line["event"] for line in logged] == ["step_broke"]
    assert logged[0]["error"] == "ValueError"
    assert str(logged[0]["place"]).rsplit(":", 1)[0].endswith("test_loops.py")
    assert "SECRET-MRN" not in str(logged)


def test_a_temporary_trouble_is_logged_once_until_it_is_over(logged: list[dict[str, object]]) -> None:
    run([UnavailableError("redis"), UnavailableError("redis"), None, UnavailableError("redis")])

    assert [line["event"] for line in logged] == ["step_failed", "step_failed"]


def test_a_loop_that_is_woken_steps_at_once_and_not_at_the_end_of_its_pause() -> None:
    steps: list[int] = []
    stepped = threading.Semaphore(0)

    def step() -> None:
        steps.append(len(steps))
        stepped.release()

    loop = Loop("patient", step, pause_s=3600.0)
    loop.start()
    assert stepped.acquire(timeout=20)
    loop.wake()
    assert stepped.acquire(timeout=20)
    assert loop.stop()


def test_who_wakes_a_loop_during_a_step_is_not_forgotten() -> None:
    stepped = threading.Semaphore(0)
    woken: list[bool] = []

    def step() -> None:
        if not woken:
            woken.append(True)
            loop.wake()
        stepped.release()

    loop = Loop("patient", step, pause_s=3600.0)
    loop.start()
    assert all(stepped.acquire(timeout=20) for _ in range(2))
    assert loop.stop()
