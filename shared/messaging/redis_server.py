"""How a Redis of ours is started: loopback only, append-only file, no snapshots (settings measured with Celery)."""

from __future__ import annotations

from pathlib import Path


def redis_command(executable: str, folder: Path, port: int) -> tuple[str, ...]:
    """Return the command of a Redis that keeps its append-only file in ``folder``."""
    return (
        executable, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder),
        "--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--loglevel", "warning",
    )  # fmt: skip
