"""``python -m services.lab_consumer [--migrate]`` serves; ``... migrate [--to REVISION]`` migrates and ends."""

from __future__ import annotations

import sys

from shared.observability.loading import loading

with loading():
    from services.lab_consumer.app import build, migrate
    from services.lab_consumer.config import Settings
    from shared.observability.operations import watched
    from shared.observability.process import run_until_stopped, service_main
    from shared.site.migrating import wanted_revision


def main() -> None:
    """Migrate where asked, then run until SIGTERM or SIGINT."""
    revision = wanted_revision(sys.argv[1:], "services.lab_consumer")
    settings = Settings()
    if revision:
        migrate(settings, revision)
    if "migrate" in sys.argv[1:]:
        return
    service = build(settings)
    with watched(service.operations):
        service.start()
        run_until_stopped("lab_consumer", service.where, service.stop)


if __name__ == "__main__":
    service_main("lab_consumer", main)
