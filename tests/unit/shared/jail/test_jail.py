"""Whatever a function does in the jail, its caller gets an answer or a code, and the next call works."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread

import psutil
import pytest

from shared.domain.errors import InvalidInputError, PermanentError, UnavailableError
from shared.jail.codes import JailCode, JailedError
from shared.jail.jail import Jail
from shared.jail.limits import Limits
from shared.testing import inmates
from shared.testing.ports import wait_until

LIMITS = Limits(memory_mb=256, cpu_s=1, wall_s=20.0, answer_bytes=1 << 20)
FUNCTIONS = tuple(f"shared.testing.inmates:{name}" for name in vars(inmates) if name.islower() and name[0] != "_")
filtered = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"), reason="no system call filter here"
)


@pytest.fixture(scope="module")
def jail() -> Iterator[Jail]:
    names = [name for name in FUNCTIONS if callable(getattr(inmates, name.partition(":")[2], None))]
    jail = Jail(names, LIMITS)
    yield jail
    jail.close()


def _call(jail: Jail, name: str, **arguments: object) -> object:
    return jail.call(f"shared.testing.inmates:{name}", arguments)


def _code(jail: Jail, name: str, **arguments: object) -> JailCode:
    with pytest.raises(JailedError) as caught:
        _call(jail, name, **arguments)
    assert _call(jail, "echo", value=[1, "two", None]) == [1, "two", None]
    return caught.value.code


def _children() -> set[int]:
    return {child.pid for child in psutil.Process().children() if "shared.jail.child" in _command(child)}


def _command(child: psutil.Process) -> list[str]:
    try:
        return list(child.cmdline())
    except psutil.ZombieProcess:  # another test's child that has ended
        return []


@filtered
def test_the_kernel_filters_its_calls(jail: Jail) -> None:
    assert jail.warm()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("allocate", JailCode.OUT_OF_MEMORY),
        ("loop", JailCode.TOO_SLOW),
        ("crash", JailCode.DIED),
        ("leave", JailCode.DIED),
        ("answer_much", JailCode.ANSWER_TOO_LARGE),
        ("break_down", JailCode.FAILED),
    ],
)
def test_what_goes_wrong_has_a_code_and_the_next_call_works(jail: Jail, name: str, code: JailCode) -> None:
    assert _code(jail, name) is code


@filtered
@pytest.mark.parametrize("name", ["fork", "run_a_program", "reach_the_network", "kill_the_parent", "raise_a_limit"])
def test_what_nobody_may_is_refused_by_the_kernel(jail: Jail, name: str) -> None:
    assert _code(jail, name) is JailCode.FORBIDDEN


@filtered
def test_no_file_is_written_or_removed(jail: Jail, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("there")

    assert _code(jail, "write", path=str(tmp_path / "new")) is JailCode.FORBIDDEN
    assert _code(jail, "write", path=str(tmp_path / "there")) is JailCode.FORBIDDEN
    assert _code(jail, "remove", path=str(tmp_path / "there")) is JailCode.FORBIDDEN
    assert _call(jail, "read", path=str(tmp_path / "there")) == "there"
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_child_that_waits_for_ever_is_given_up(jail: Jail) -> None:
    with pytest.raises(JailedError) as caught:
        jail.call("shared.testing.inmates:wait", {}, wall_s=0.2)

    assert caught.value.code is JailCode.TOO_SLOW


def test_the_time_limit_is_per_task_and_not_per_life(jail: Jail) -> None:
    for _ in range(3):
        assert _call(jail, "echo", value=1) == 1


def test_the_functions_own_refusal_comes_through(jail: Jail) -> None:
    with pytest.raises(InvalidInputError, match="PixelData: is not there"):
        _call(jail, "refuse")


def test_no_text_of_a_defect_leaves_the_jail(jail: Jail) -> None:
    with pytest.raises(PermanentError) as caught:
        _call(jail, "break_down")

    assert "Canary" not in str(caught.value)


def test_only_registered_functions_run(jail: Jail) -> None:
    with pytest.raises(InvalidInputError):
        jail.call("os:getcwd", {})


def test_what_a_library_prints_is_no_answer(jail: Jail) -> None:
    assert _call(jail, "print_and_answer") == 7


def test_it_inherits_neither_environment_nor_descriptors(
    jail: Jail, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ONCORELAY_SECRET", "secret")
    with (tmp_path / "held").open("wb") as held:
        assert held.fileno() > 2
        fresh = Jail(["shared.testing.inmates:environment", "shared.testing.inmates:open_descriptors"])
        names = _call(fresh, "environment")
        descriptors = _call(fresh, "open_descriptors")
        fresh.close()

    assert isinstance(names, list)
    assert not [name for name in names if "ONCORELAY" in name]
    assert descriptors == 5  # three that lead nowhere, and the two pipes


def test_a_child_lives_on_when_the_thread_that_first_needed_it_ends() -> None:
    jail = Jail(["shared.testing.inmates:echo"])
    first = Thread(target=jail.warm)
    first.start()
    first.join()
    before = _children()
    try:
        assert _call(jail, "echo", value=1) == 1
        assert _children() == before
    finally:
        jail.close()


def test_there_are_never_more_children_than_asked_for() -> None:
    before = len(_children())
    jail = Jail(["shared.testing.inmates:echo"], LIMITS, children=2)
    try:
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda number: _call(jail, "echo", value=number), range(200)))
        assert answers == list(range(200))
        assert len(_children()) - before <= 2
    finally:
        jail.close()


def test_a_child_that_was_killed_while_idle_is_replaced(jail: Jail) -> None:
    before = _children()
    own = Jail(["shared.testing.inmates:echo"])
    own.warm()
    (pid,) = _children() - before
    psutil.Process(pid).kill()
    wait_until(lambda: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, "its end")

    assert _call(own, "echo", value=1) == 1
    own.close()
    assert _children() == before


def test_a_fresh_child_follows_after_so_many_tasks() -> None:
    before = _children()
    jail = Jail(["shared.testing.inmates:echo"], Limits(tasks_per_child=2))
    seen = set()
    for number in range(4):
        assert _call(jail, "echo", value=number) == number
        seen |= _children() - before
    jail.close()

    assert len(seen) == 2


def test_closing_ends_a_task_and_refuses_others() -> None:
    jail = Jail(["shared.testing.inmates:wait"])
    jail.warm()
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(_call, jail, "wait")
        wait_until(lambda: bool(jail._busy), "the task to run")
        jail.close()
        assert isinstance(waiting.exception(), UnavailableError)  # and not a code: the input is not to blame
    with pytest.raises(UnavailableError):
        _call(jail, "wait")


def test_a_jail_whose_functions_cannot_be_loaded_says_so() -> None:
    jail = Jail(["shared.testing.inmates:nothing_of_that_name"])

    with pytest.raises(UnavailableError):
        jail.warm()
    jail.close()
