"""Starts one process per service, restarts what dies, and takes everything down together."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shared.observability.process import EXIT_CANNOT_START

READY_MARK = b'"event": "ready"'
LONGEST_RESTART_S = 30.0
STOP_S = 15.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Program:
    """One process to keep running."""

    name: str
    command: tuple[str, ...]
    says_ready: bool = True
    """False for programs of others: they count as ready when they are still there after a moment."""


@dataclass
class Child:
    """A program that was started."""

    program: Program
    log: Path
    process: subprocess.Popen[bytes]
    log_start: int
    restarts: int = 0
    next_start: float = 0.0
    finished: str = ""
    """The last line of a program that ended by itself with status 0: it had nothing to do here."""

    @property
    def ready(self) -> bool:
        """Tell whether it said so (since this start)."""
        if self.finished:
            return True
        if not self.program.says_ready:
            return self.process.poll() is None
        return READY_MARK in self.log.read_bytes()[self.log_start :]

    def last_line(self) -> str:
        """Return what it said last."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""


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
        child = self._spawn(program)
        self.children[program.name] = child
        end = time.monotonic() + timeout_s
        while not child.ready:
            if child.process.poll() is not None:
                if child.process.returncode == 0:
                    self._note_exit(child)
                if not child.finished:
                    raise RuntimeError(f"{program.name} did not start: {child.last_line()}")
            elif time.monotonic() > end:
                raise RuntimeError(f"{program.name} was not ready after {timeout_s:.0f} s; see {child.log}")
            else:
                time.sleep(0.05)
        self.tell(program.name, child.finished or "ready")
        return child

    def watch_once(self) -> None:
        """Restart what died, with growing pauses; configuration errors are not tried again."""
        for child in self.children.values():
            if child.finished or child.process.poll() is None:
                continue
            if child.next_start == 0.0:
                self._note_exit(child)
                continue
            if time.monotonic() >= child.next_start:
                self._respawn(child)

    def stop(self) -> None:
        """Stop everything, last started first; what does not stop in time is killed."""
        for child in reversed(self.children.values()):
            _signal(child.process, signal.SIGTERM)
            try:
                child.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                _signal(child.process, signal.SIGKILL)
                child.process.wait()

    def _spawn(self, program: Program) -> Child:
        for name in ("logs", "run"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        log = self.folder / "logs" / f"{program.name}.log"
        start = log.stat().st_size if log.exists() else 0
        with log.open("ab") as stream:
            process = subprocess.Popen(
                program.command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, env=dict(self.environment),
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - the supervisor has one thread
                start_new_session=True,
            )  # fmt: skip
        (self.folder / "run" / f"{program.name}.pid").write_text(str(process.pid))
        return Child(program, log, process, start)

    def _note_exit(self, child: Child) -> None:
        status = child.process.returncode
        if status == 0 and READY_MARK not in child.log.read_bytes()[child.log_start :]:
            child.finished = child.last_line()
        elif status == EXIT_CANNOT_START:
            child.finished = f"cannot start: {child.last_line()}"
            self.tell(child.program.name, child.finished)
        else:
            pause = min(LONGEST_RESTART_S, 0.2 * 2**child.restarts)
            child.next_start = time.monotonic() + pause
            self.tell(child.program.name, f"ended with status {status}; starting it again in {pause:.1f} s")

    def _respawn(self, child: Child) -> None:
        fresh = self._spawn(child.program)
        child.process, child.log_start, child.next_start = fresh.process, fresh.log_start, 0.0
        child.restarts += 1


def service(name: str, *arguments: str) -> Program:
    """Return the program of one of our services."""
    return Program(name, (sys.executable, "-m", f"services.{name}", *arguments))


def _die_with_parent() -> None:
    """Linux: have the kernel end the child when the supervisor is killed, so that no orphan keeps a port."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(process.pid, number) if number == signal.SIGKILL else process.send_signal(number)
    except ProcessLookupError:
        return
