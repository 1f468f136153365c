"""Is this process able to do its work: checks with a time limit each, asked by the ops server and by ``doctor``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextvars import copy_context
from dataclasses import dataclass, field
from threading import Lock, Thread

from shared.domain.errors import OncoRelayError

Check = Callable[[], str]
"""Returns "" where all is well, else one sentence: what is wrong, and the remedy. Holds no patient, no secret."""

LIMIT_S = 2.0
"""Longest wait for one round of checks, in seconds."""
KEEP_S = 2.0
"""An answer is kept this long: probes that come every moment must not become load, in seconds."""


@dataclass(slots=True)
class _Look:
    """One call of one check on a thread of its own: a check that hangs is left behind and not called again."""

    check: Check
    answer: str = ""
    thread: Thread | None = None

    def begin(self) -> None:
        """Call the check, unless its last call still hangs."""
        if self.thread is None or not self.thread.is_alive():
            self.thread = Thread(target=copy_context().run, args=(self._run,), name="health-check", daemon=True)
            self.thread.start()

    def end(self, wait_s: float, limit_s: float) -> str:
        """Return the answer, or that there was none in time."""
        assert self.thread  # noqa: S101 - begin comes first
        self.thread.join(max(0.0, wait_s))
        return f"did not answer within {limit_s:g} s" if self.thread.is_alive() else self.answer

    def _run(self) -> None:
        try:
            self.answer = self.check()
        except OncoRelayError as error:
            self.answer = str(error)
        except Exception as error:  # noqa: BLE001 - a check that breaks is itself the news; its text may quote anything
            self.answer = f"the check broke ({type(error).__name__})"


@dataclass(slots=True)
class Health:
    """All checks of one process. ``problems`` may be called from any thread and returns within ``limit_s``."""

    checks: Mapping[str, Check]
    limit_s: float = LIMIT_S
    keep_s: float = KEEP_S
    ticks: Callable[[], float] = time.monotonic
    _looks: dict[str, _Look] = field(init=False)
    _found: dict[str, str] = field(init=False, default_factory=dict)
    _found_at: float = field(init=False, default=float("-inf"))
    _lock: Lock = field(init=False, default_factory=Lock)

    def __post_init__(self) -> None:
        self._looks = {name: _Look(check) for name, check in self.checks.items()}

    def problems(self) -> dict[str, str]:
        """Return what is wrong now (or was, at most ``keep_s`` ago) by the name of the check; empty: able to work."""
        with self._lock:
            if self.ticks() - self._found_at >= self.keep_s:
                self._found, self._found_at = self._ask(), self.ticks()
            return dict(self._found)

    def _ask(self) -> dict[str, str]:
        end = self.ticks() + self.limit_s
        for look in self._looks.values():
            look.begin()
        answers = {name: look.end(end - self.ticks(), self.limit_s) for name, look in self._looks.items()}
        return {name: answer for name, answer in answers.items() if answer}
