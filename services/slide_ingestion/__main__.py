"""``python -m services.slide_ingestion [--migrate]`` serves; ``... migrate [--to REVISION]`` migrates and ends."""

from __future__ import annotations

import sys

from shared.observability.loading import loading

with loading():
    from services.slide_ingestion.app import build, migrate
    from services.slide_ingestion.config import Settings
    from shared.observability.operations import watched
    from shared.observability.process import run_until_stopped, service_main, stop_signal
    from shared.site.migrating import wanted_revision


def main() -> None:
    """Migrate where asked, then run until SIGTERM or SIGINT."""
    revision = wanted_revision(sys.argv[1:], "services.slide_ingestion")
    settings = Settings()
    if revision:
        migrate(settings, revision)
    if "migrate" in sys.argv[1:]:
        return
    service = build(settings)
    with watched(service.operations):
        signalled = stop_signal()  # before the door opens: who can connect may also stop us
        service.start()
        run_until_stopped("slide_ingestion", service.where, service.stop, signalled)


if __name__ == "__main__":
    service_main("slide_ingestion", main)
