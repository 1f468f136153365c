"""A lock among the children of one worker that a killed child lets go of."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class OneAtATime:
    """``flock(2)`` on a file of the worker's own; the kernel frees it when its holder ends, however it ends."""

    path: Path

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Wait for one's turn, and have it for the block."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
