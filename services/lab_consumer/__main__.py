"""``python -m services.lab_consumer [--migrate]`` serves; ``... migrate`` brings the database up to date and ends."""

from __future__ import annotations

import sys

from services.lab_consumer.app import build, migrate
from services.lab_consumer.config import Settings
from shared.domain.errors import InvalidInputError
from shared.observability.operations import watched
from shared.observability.process import run_until_stopped, service_main

_ARGUMENTS: tuple[list[str], ...] = ([], ["migrate"], ["--migrate"])


def main() -> None:
    """Migrate where asked, then run until SIGTERM or SIGINT."""
    arguments = sys.argv[1:]
    if arguments not in _ARGUMENTS:
        raise InvalidInputError("arguments", "usage: python -m services.lab_consumer [migrate | --migrate]")
    settings = Settings()
    if arguments:
        migrate(settings)
    if arguments == ["migrate"]:
        return
    service = build(settings)
    with watched(service.operations):
        service.start()
        run_until_stopped("lab_consumer", f"{settings.http_host}:{service.http_port}", service.stop)


if __name__ == "__main__":
    service_main("lab_consumer", main)
