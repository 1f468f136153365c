"""The supervisor, over real processes."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from services.cli.supervisor import Program, Supervisor
from shared.testing.ports import wait_until

READY = 'import sys, time; print(\'{"event": "ready"}\', file=sys.stderr, flush=True); time.sleep(60)'


def program(name: str, code: str) -> Program:
    return Program(name, (sys.executable, "-c", code))


@pytest.fixture
def told() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, told: list[tuple[str, str]]) -> Supervisor:
    return Supervisor(tmp_path, dict(os.environ), lambda name, text: told.append((name, text)))


def test_a_service_is_started_and_stopped(supervisor: Supervisor, told: list[tuple[str, str]]) -> None:
    child = supervisor.start(program("one", READY))
    supervisor.stop()

    assert told == [("one", "ready")]
    assert child.process.returncode == -signal.SIGTERM


def test_a_service_that_has_nothing_to_do_says_so_and_is_left_alone(
    supervisor: Supervisor, told: list[tuple[str, str]]
) -> None:
    supervisor.start(program("idle", "print('idle: nothing to do')"))
    supervisor.watch_once()
    supervisor.stop()

    assert told == [("idle", "idle: nothing to do")]


def test_a_service_that_cannot_start_is_quoted(supervisor: Supervisor) -> None:
    with pytest.raises(RuntimeError, match="broken did not start: port 1 is taken"):
        supervisor.start(program("broken", "import sys; print('port 1 is taken'); sys.exit(78)"))


def test_what_dies_is_started_again(supervisor: Supervisor, told: list[tuple[str, str]]) -> None:
    child = supervisor.start(program("mortal", READY))
    child.process.kill()
    child.process.wait()

    def revived() -> bool:
        supervisor.watch_once()
        return child.restarts == 1 and child.ready

    wait_until(revived, "the restart")
    supervisor.stop()
    assert any("starting it again" in text for _, text in told)
