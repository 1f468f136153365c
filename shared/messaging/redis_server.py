"""How a Redis of ours is started: loopback only, append-only file, no snapshots (settings measured with Celery).

Everything, the password above all, stands in a file only its owner reads: a command line is there for all to see.
"""

from __future__ import annotations

import os
from pathlib import Path


def redis_command(executable: str, folder: Path, port: int, password: str = "") -> tuple[str, ...]:
    """Write a configuration and return the command of a Redis that keeps its append-only file in ``folder``.

    The configuration lies beside the folder: whoever empties that must not take it away.
    Without ``password`` nobody needs one: for tests.
    """
    path = folder.with_name(f"{folder.name}.conf")
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("\n".join(_configuration(folder, port, password)) + "\n")
    return executable, str(path)


def _configuration(folder: Path, port: int, password: str) -> list[str]:
    lines = ["bind 127.0.0.1", f"port {port}", f'dir "{folder.absolute()}"', "appendonly yes", "appendfsync everysec"]
    lines += ['save ""', "loglevel warning"]
    return [*lines, f'requirepass "{password}"'] if password else lines
