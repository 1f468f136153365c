"""One child process, seen from its parent."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from shared.domain.errors import InvalidInputError, OutOfResourcesError, UnavailableError
from shared.jail.codes import JailCode, JailedError
from shared.jail.frames import packed, receive, send
from shared.jail.limits import Limits
from shared.jail.window import Copies, Seen, Window

_START_S = 60.0
"""Longest wait for a child to import what it needs, in seconds: machines are busy at start-up."""
_CODES = {
    -signal.SIGXCPU: JailCode.TOO_SLOW,
    -signal.SIGKILL: JailCode.OUT_OF_MEMORY,  # not by us: the kernel's out-of-memory killer
    -signal.SIGSYS: JailCode.FORBIDDEN,
    -signal.SIGXFSZ: JailCode.FORBIDDEN,
}


class Child:
    """Used by one thread at a time; after a ``JailedError`` it is of no more use and must be ended."""

    def __init__(self, functions: Sequence[str], limits: Limits) -> None:
        self._limits = limits
        self.tasks = 0
        self.killed = False
        self.window = Window(limits.window_mb << 20) if limits.window_mb else None
        try:
            self._process = _start(functions, limits, self.window)
        except BaseException:
            self._close_window()
            raise
        assert self._process.stdin  # noqa: S101 - asked for above
        assert self._process.stdout  # noqa: S101
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        self.locked = self._ready()

    @property
    def pid(self) -> int:
        """Return its process id."""
        return self._process.pid

    @property
    def spent(self) -> bool:
        """Tell whether a fresh child should follow."""
        return self.tasks >= self._limits.tasks_per_child or self._process.poll() is not None

    def ask(self, function: str, arguments: Mapping[str, Any], wall_s: float, cpu_s: int) -> Any:
        """Run one task; return its answer.

        Raises:
            InvalidInputError: What the function raised.
            JailedError: If there is no answer.
        """
        self.tasks += 1
        try:
            self._allow_cpu(cpu_s)
            send(self._to, packed({"function": function, "arguments": arguments}))
            answer = self._receive(time.monotonic() + wall_s, self._limits.answer_bytes)
        except TimeoutError as error:
            raise JailedError(JailCode.TOO_SLOW, function) from error
        except OverflowError as error:
            raise JailedError(JailCode.ANSWER_TOO_LARGE, function) from error
        except (EOFError, OSError, ValueError) as error:
            raise JailedError(self._how_it_ended(), function) from error
        return _opened(answer, function)

    def kill(self) -> None:
        """End it at once, though nothing is wrong with it; whoever waits for its answer calls ``end``."""
        self.killed = True
        self._process.kill()

    def end(self) -> None:
        """Kill it and wait for its end."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        self._close_window()

    def leave_window(self) -> Seen:
        """End it, and return what it left in its window.

        Raises:
            ValueError: If it has none.
        """
        if self.window is None:
            raise ValueError("this jail's children have no window")
        self._process.kill()
        self._process.wait()
        return self.window.open()

    def look(self) -> Copies:
        """Return copies out of its window while it lives.

        Raises:
            ValueError: If it has none.
        """
        if self.window is None:
            raise ValueError("this jail's children have no window")
        return self.window.look()

    def _close_window(self) -> None:
        if self.window is not None:
            self.window.close()

    def _ready(self) -> bool:
        try:
            answer = self._receive(time.monotonic() + _START_S, 4096)
            return bool(answer["locked"])
        except (EOFError, OSError, OverflowError, ValueError, LookupError) as error:
            self.end()
            raise UnavailableError("the jail's child process does not start") from error

    def _receive(self, deadline: float, largest: int) -> Any:
        waiter = select.poll()
        waiter.register(self._from, select.POLLIN)

        def read(count: int) -> bytes:
            if not waiter.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise TimeoutError
            return os.read(self._from, count)

        return json.loads(receive(read, largest))

    def _allow_cpu(self, cpu_s: int) -> None:
        """Move its processor time limit ahead of what it has used; only the parent can."""
        if sys.platform == "linux":
            _, hard = resource.prlimit(self.pid, resource.RLIMIT_CPU)
            soft = int(_cpu_used_s(self.pid)) + cpu_s + 1
            resource.prlimit(self.pid, resource.RLIMIT_CPU, (soft, hard))

    def _how_it_ended(self) -> JailCode:
        try:
            status = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return JailCode.DIED  # it closed its pipe and lives on; ``end`` follows
        return _CODES.get(status, JailCode.DIED)


def _start(functions: Sequence[str], limits: Limits, window: Window | None) -> subprocess.Popen[bytes]:
    # An environment of its own: no passwords, no keys, no configuration; libraries start no threads in there.
    environment = {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path and Path(path).is_dir()),
        "PYTHONSAFEPATH": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    passed = () if window is None else (window.descriptor,)
    number = str(window.descriptor) if window else ""
    command = [sys.executable, "-m", "shared.jail.child", json.dumps(asdict(limits)), number, *functions]
    try:
        return subprocess.Popen(
            command,
            env=environment,
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=passed,
        )
    except OSError as error:
        raise OutOfResourcesError("no process can be started for the jail") from error


def _cpu_used_s(pid: int) -> float:
    """Return user and system time of a process (proc(5), fields 14 and 15 of ``stat``)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _opened(answer: Any, function: str) -> Any:
    """Return what the child answered, or raise what it says."""
    match answer:
        case {"answer": value}:
            return value
        case {"element": str(element), "reason": str(reason)}:
            raise InvalidInputError(element, reason)
        case {"code": str(code)} if code in set(JailCode):
            raise JailedError(JailCode(code), function)
    raise JailedError(JailCode.FAILED, function)
