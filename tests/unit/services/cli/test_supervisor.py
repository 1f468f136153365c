"""The supervisor, over real processes."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from services.cli.supervisor import FORGIVEN_AFTER_S, Program, Supervisor
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


MEETING = """
import pathlib, signal, sys, time
me, *others = sys.argv[1:]
def note(what):
    pathlib.Path(f"{me} {what}").touch()
    while not all(pathlib.Path(f"{other} {what}").exists() for other in others):
        time.sleep(0.01)
def here():
    return {p.stem for p in pathlib.Path().glob("*.up")}
signal.signal(signal.SIGTERM, lambda *_: (note("stops"), pathlib.Path(f"{me}.up").unlink(), sys.exit(len(here()))))
seen = here()
pathlib.Path(f"{me}.up").touch()
note("starts")
pathlib.Path(f"{me} saw").write_text(" ".join(sorted(seen)))
print('{"event": "ready"}', flush=True)
time.sleep(60)
"""
"""Is ready when the others named have started too; ends when they too were told to; its status: who is still up."""


def test_what_others_need_is_there_before_them_and_after_them_and_they_wait_for_nobody_else(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one, other = (
        Program(name, (sys.executable, "-c", MEETING, name, whom))
        for name, whom in (("one", "other"), ("other", "one"))
    )
    needed = Program("needed", (sys.executable, "-c", MEETING, "needed"), needed_by_others=True)

    supervisor.start_all((one, needed, other))
    supervisor.stop()

    assert "needed" in (tmp_path / "one saw").read_text()
    assert "needed" in (tmp_path / "other saw").read_text()
    assert (tmp_path / "needed saw").read_text() == ""
    assert supervisor.children["needed"].process.returncode == 0
    assert supervisor.children["one"].process.returncode in {1, 2}


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


def test_only_the_reason_of_a_log_line_is_quoted(supervisor: Supervisor) -> None:
    line = '{"reason": "[results] collect_z: unknown key", "event": "cannot_start"}'
    with pytest.raises(RuntimeError) as refused:
        supervisor.start(program("wrong", f"import sys; print({line!r}); sys.exit(78)"))

    assert str(refused.value) == "wrong did not start: [results] collect_z: unknown key"


def test_what_may_pass_by_itself_is_tried_again_at_the_start(
    supervisor: Supervisor, told: list[tuple[str, str]], tmp_path: Path
) -> None:
    code = f"import pathlib, sys\np = pathlib.Path({str(tmp_path / 'seen')!r})\n"
    code += "if not p.exists():\n    p.touch(); print('cannot listen'); sys.exit(75)\n"
    child = supervisor.start(program("late", code + READY))
    supervisor.stop()

    assert child.ready
    assert told == [("late", "cannot start yet: cannot listen; starting it again in 0.2 s"), ("late", "ready")]


def test_what_cannot_start_for_too_long_ends_in_a_sentence(supervisor: Supervisor) -> None:
    with pytest.raises(RuntimeError, match=r"late .*cannot listen"):
        supervisor.start(program("late", "import sys; print('cannot listen'); sys.exit(75)"), timeout_s=1.0)


def test_what_may_pass_by_itself_is_tried_again_with_growing_pauses(
    supervisor: Supervisor, told: list[tuple[str, str]], tmp_path: Path
) -> None:
    code = f"import pathlib, sys\np = pathlib.Path({str(tmp_path / 'seen')!r})\n"
    code += "if p.exists():\n    print('cannot listen'); sys.exit(75)\np.touch()\n"
    child = supervisor.start(program("unlucky", code + READY))
    child.process.kill()

    def tried() -> bool:
        supervisor.watch_once()
        return child.restarts >= 2

    wait_until(tried, "two restarts")
    supervisor.stop()
    pauses = [text.rsplit(" in ", 1)[1] for _, text in told if "starting it again" in text]
    assert pauses[:2] == ["0.2 s", "0.4 s"]
    assert any("cannot start yet: cannot listen" in text for _, text in told)


def test_a_program_of_others_that_ends_well_is_started_again(
    supervisor: Supervisor, told: list[tuple[str, str]], tmp_path: Path
) -> None:
    command = (sys.executable, "-c", "import time; time.sleep(0.3)")
    child = supervisor.start(Program("redis", command, says_ready=False))
    child.process.wait()

    def revived() -> bool:
        supervisor.watch_once()
        return child.restarts == 1

    wait_until(revived, "the restart")
    supervisor.stop()
    assert ("redis", "ended with status 0; starting it again in 0.2 s") in told


def test_a_program_of_others_is_ready_when_it_answers_itself(supervisor: Supervisor) -> None:
    command = (sys.executable, "-c", "import time; time.sleep(60)")
    stranger = Program("redis", command, says_ready=False, answering_process=os.getpid)
    with pytest.raises(RuntimeError, match="redis was not ready"):
        supervisor.start(stranger, timeout_s=0.3)
    supervisor.stop()


def test_a_service_that_cannot_be_spawned_is_tried_again_and_the_others_go_on(
    supervisor: Supervisor, told: list[tuple[str, str]], tmp_path: Path
) -> None:
    child = supervisor.start(program("one", READY))
    other = supervisor.start(program("two", READY))
    os.killpg(child.process.pid, signal.SIGKILL)
    child.process.wait()
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    (tmp_path / "run").write_text("as good as a full disk: nothing can be written here")

    wait_until(lambda: _watched(supervisor) and "cannot be started" in str(told), "the failed start")
    assert other.process.poll() is None
    (tmp_path / "run").unlink()
    wait_until(lambda: _watched(supervisor) and child.process.poll() is None and child.ready, "the restart")
    supervisor.stop()


def test_who_has_run_for_long_is_started_at_once_when_it_dies_again(
    supervisor: Supervisor, told: list[tuple[str, str]]
) -> None:
    child = supervisor.start(program("one", READY))
    child.restarts, child.started_at = 7, child.started_at - FORGIVEN_AFTER_S
    os.killpg(child.process.pid, signal.SIGKILL)
    child.process.wait()
    supervisor.watch_once()
    supervisor.stop()

    assert "starting it again in 0.2 s" in told[-1][1]


def _watched(supervisor: Supervisor) -> bool:
    supervisor.watch_once()
    return True
