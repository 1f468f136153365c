"""Starts one process per service, restarts what dies, and takes everything down together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from shared.observability.process import EXIT_CANNOT_START, EXIT_TRY_AGAIN

READY_MARK = b'"event": "ready"'
LONGEST_RESTART_S = 30.0
FORGIVEN_AFTER_S = 30.0
"""Who has run for so long is started at once when it dies again, in seconds."""
FIRST_RESTART_S = 0.2
MOST_DOUBLINGS = 10
STOP_S = 15.0
# Linux: the kernel ends the program when the supervisor (argument 1) is killed, so that no orphan keeps a port. Said by
# the child in front of its program and not in a forked copy of this process: threads that gRPC starts again in such a
# copy may abort it before it has become the program. 1 is PR_SET_PDEATHSIG, 9 SIGKILL.
_WITH_ME = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() == int(sys.argv[1]):
    os.execvp(sys.argv[2], sys.argv[2:])
"""


@dataclass(frozen=True, slots=True)
class Program:
    """One process to keep running."""

    name: str
    command: tuple[str, ...]
    says_ready: bool = True
    """False for programs of others: they never have "nothing to do here", and are asked instead."""
    answering_process: Callable[[], int] | None = None
    """Asks the program over its own port which process it is; 0 while nobody answers. None: being there is enough."""
    needed_by_others: bool = False
    """It is ready before the others start, and stops when they have stopped."""


@dataclass
class Child:
    """A program that was started."""

    program: Program
    log: Path
    process: subprocess.Popen[bytes]
    log_start: int
    restarts: int = 0
    next_start: float = 0.0
    started_at: float = field(default_factory=time.monotonic)
    trouble: str = ""
    """Why the start before this one failed; empty where none did."""
    finished: str = ""
    """The last line of a program that ended by itself with status 0: it had nothing to do here."""

    @property
    def ready(self) -> bool:
        """Tell whether it said so (since this start)."""
        if self.finished:
            return True
        if self.program.says_ready:
            return self.said_ready
        if self.process.poll() is not None:
            return False
        asks = self.program.answering_process
        return asks is None or asks() == self.process.pid

    @property
    def said_ready(self) -> bool:
        """Tell whether the ready line stands in the log of this start."""
        return READY_MARK in self._said()

    def reason(self) -> str:
        """Return why it ended, in its own words: the reason it logged, else what it said last."""
        lines = self._said().decode(errors="replace").strip().splitlines()
        reasons = (_logged_reason(line) for line in reversed(lines))
        return next(filter(None, reasons), lines[-1] if lines else "it said nothing")

    def _said(self) -> bytes:
        with self.log.open("rb") as stream:
            stream.seek(self.log_start)
            return stream.read()


@dataclass
class Supervisor:
    """All children of one ``oncorelay up``."""

    folder: Path
    """Data folder; logs go to ``logs``, process ids to ``run``."""
    environment: Mapping[str, str]
    tell: Callable[[str, str], None]
    children: dict[str, Child] = field(default_factory=dict)

    def start(self, program: Program, *, timeout_s: float = 60.0) -> Child:
        """Start a program and wait until it is ready.

        Raises:
            RuntimeError: If it ends or does not become ready in time; quotes what it said.
        """
        child = self.children[program.name] = self._spawn(program)
        self._await(child, timeout_s)
        return child

    def start_all(self, programs: Sequence[Program], *, timeout_s: float = 120.0) -> None:
        """Start what others need, one after the other; then all others at once, and wait until they are ready.

        Raises:
            RuntimeError: If one ends or does not become ready in time; quotes what it said.
        """
        for program in programs:
            if program.needed_by_others:
                self.start(program, timeout_s=timeout_s)
        others = {program.name: self._spawn(program) for program in programs if not program.needed_by_others}
        self.children |= others
        for child in others.values():
            self._await(child, timeout_s)

    def _await(self, child: Child, timeout_s: float) -> None:
        end = time.monotonic() + timeout_s
        while not child.ready:
            late = time.monotonic() > end
            if child.process.poll() is not None:
                self._look_at_failed_start(child, late=late)
            elif late:
                why = f" ({child.trouble})" if child.trouble else ""
                raise RuntimeError(f"{child.program.name} was not ready after {timeout_s:.0f} s{why}; see {child.log}")
            time.sleep(0.05)
        child.restarts, child.next_start, child.trouble = 0, 0.0, ""
        self.tell(child.program.name, child.finished or "ready")

    def _look_at_failed_start(self, child: Child, *, late: bool) -> None:
        """Have what may pass by itself started again; refuse the rest."""
        if _had_nothing_to_do(child):
            child.finished = child.reason()
        elif late or child.process.returncode != EXIT_TRY_AGAIN:
            killed = f" (ended by signal {-child.process.returncode})" if child.process.returncode < 0 else ""
            raise RuntimeError(f"{child.program.name} did not start{killed}: {child.reason()}")
        elif child.next_start:
            self._respawn_when_due(child)
        else:
            self._start_later(child, f"cannot start yet: {child.reason()}")

    def watch_once(self) -> None:
        """Restart what died, with growing pauses; configuration errors are not tried again."""
        for child in self.children.values():
            if child.finished or child.process.poll() is None:
                continue
            if child.next_start == 0.0:
                self._note_exit(child)
                continue
            self._respawn_when_due(child)

    def stop(self) -> None:
        """Stop everything at once, then what the others needed, last started first; who is not in time is killed."""
        last_first = list(reversed(self.children.values()))
        _stop([child for child in last_first if not child.program.needed_by_others])
        for child in last_first:
            if child.program.needed_by_others:
                _stop([child])

    def _spawn(self, program: Program) -> Child:
        for name in ("logs", "run"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        log = self.folder / "logs" / f"{program.name}.log"
        start = log.stat().st_size if log.exists() else 0
        note = self.folder / "run" / f"{program.name}.pid"
        note.write_text("")  # before the process: a full disk must not leave one running that nobody knows of
        with log.open("ab") as stream:
            command = (sys.executable, "-I", "-S", "-c", _WITH_ME, str(os.getpid()), *program.command)
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, env=dict(self.environment),
                start_new_session=True,
            )  # fmt: skip
        with suppress(OSError):
            note.write_text(str(process.pid))
        return Child(program, log, process, start)

    def _note_exit(self, child: Child) -> None:
        status = child.process.returncode
        if time.monotonic() - child.started_at >= FORGIVEN_AFTER_S:
            child.restarts = 0
        if _had_nothing_to_do(child):
            child.finished = child.reason()
        elif status == EXIT_CANNOT_START and child.program.says_ready:
            child.finished = f"cannot start: {child.reason()}"
            self.tell(child.program.name, child.finished)
        elif status == EXIT_TRY_AGAIN and child.program.says_ready:
            self._start_later(child, f"cannot start yet: {child.reason()}")
        else:
            self._start_later(child, f"ended with status {status}")

    def _start_later(self, child: Child, why: str) -> None:
        pause = min(LONGEST_RESTART_S, FIRST_RESTART_S * 2 ** min(child.restarts, MOST_DOUBLINGS))
        child.next_start, child.trouble = time.monotonic() + pause, child.reason()
        self.tell(child.program.name, f"{why}; starting it again in {pause:.1f} s")

    def _respawn_when_due(self, child: Child) -> None:
        if time.monotonic() < child.next_start:
            return
        child.restarts += 1
        try:
            fresh = self._spawn(child.program)
        except OSError as error:  # a full disk, no more processes: the others go on, and this one later
            self._start_later(child, f"cannot be started: {error.strerror}")
            return
        child.process, child.log_start, child.next_start = fresh.process, fresh.log_start, 0.0
        child.started_at = fresh.started_at


def _stop(children: Sequence[Child]) -> None:
    for child in children:
        _signal(child.process, signal.SIGTERM)
    end = time.monotonic() + STOP_S
    for child in children:
        try:
            child.process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            _signal(child.process, signal.SIGKILL)
            child.process.wait()


def _had_nothing_to_do(child: Child) -> bool:
    """Tell whether one of ours ended well without ever being ready. Other people's programs have to stay."""
    return child.process.returncode == 0 and child.program.says_ready and not child.said_ready


def _logged_reason(line: str) -> str:
    """Return the reason of a JSON log line that says why a service cannot start; empty for any other line."""
    try:
        event = json.loads(line)
    except ValueError:
        return ""
    return str(event.get("reason", "")) if isinstance(event, dict) and event.get("event") == "cannot_start" else ""


def service(name: str, *arguments: str, needed_by_others: bool = False) -> Program:
    """Return the program of one of our services."""
    command = (sys.executable, "-m", f"services.{name}", *arguments)
    return Program(name, command, needed_by_others=needed_by_others)


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(process.pid, number) if number == signal.SIGKILL else process.send_signal(number)
    except ProcessLookupError:
        return
