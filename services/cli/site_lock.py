"""One ``oncorelay up`` per data folder: a lock that the kernel gives back when its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK_NAME = "up.lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the data folder while the block runs.

    Raises:
        RuntimeError: If another process holds it; one sentence that names the folder.
    """
    with (folder / LOCK_NAME).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RuntimeError(_in_use(folder, _content(folder))) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _content(folder: Path) -> str:
    return (folder / LOCK_NAME).read_text().strip()


def _in_use(folder: Path, process: str) -> str:
    holder = f" (process {process})" if process else ""
    return f"{folder} is in use by another `oncorelay up` or `oncorelay demo`{holder}: stop that one first"
