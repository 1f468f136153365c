"""A lock among the children of one worker that a killed child lets go of, and a hanging one cannot keep."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import structlog

log = structlog.get_logger("oncorelay.inference")

SILENT_S = 20.0
"""A holder that was not heard of for so long hangs: its lease is lost too, and nobody waits for it any more."""
_BEAT_S, _POLL_S = 1.0, 0.05


@dataclass(frozen=True, slots=True)
class OneAtATime:
    """``flock(2)`` on a file of the worker's own; the kernel frees it when its holder ends, however it ends.

    While it is held, its holder touches the file every second. A process that was stopped, or is stuck in native code,
    does not.
    """

    path: Path
    silent_s: float = SILENT_S

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Wait for one's turn, and have it for the block."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if self._taken(descriptor):
                with _beating(descriptor):
                    yield
            else:
                log.warning("turn_not_waited_for", silent_s=self.silent_s)
                yield
        finally:
            os.close(descriptor)

    def _taken(self, descriptor: int) -> bool:
        """Return whether the lock is ours; False where its holder has fallen silent."""
        began = time.time()
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                # Whoever took it a moment ago may not have touched the file yet: nobody is silent before we came.
                if time.time() - max(os.fstat(descriptor).st_mtime, began) > self.silent_s:
                    return False
                time.sleep(_POLL_S)
            else:
                return True


@contextmanager
def _beating(descriptor: int) -> Iterator[None]:
    """Touch the file while the block runs."""
    ended = Event()

    def beat() -> None:
        while True:
            os.utime(descriptor)
            if ended.wait(_BEAT_S):
                return

    thread = Thread(target=beat, name="turn", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
