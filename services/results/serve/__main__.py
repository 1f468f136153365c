"""``python -m services.results.serve [migrate [--to REVISION]]``: the ledger's door, or its migration."""

from __future__ import annotations

import sys

from shared.observability.loading import loading

with loading():
    from services.results.config import Settings
    from services.results.ledger.database import migrate, open_engine
    from services.results.ledger.numbers import Numbers
    from services.results.serve.adapters.operations import operations
    from services.results.serve.app import start
    from shared.observability.operations import watched
    from shared.observability.process import run_until_stopped, service_main
    from shared.site.migrating import wanted_revision


def main() -> None:
    """Serve until SIGTERM; with ``migrate`` or ``--migrate`` bring the schema up first (``migrate`` then ends)."""
    settings = Settings()
    revision = wanted_revision(sys.argv[1:], "services.results.serve")
    if revision:
        migrate(open_engine(settings.ledger_url), revision)
    if "migrate" in sys.argv[1:]:
        return
    with watched(operations(settings, Numbers(open_engine(settings.ledger_url)))):
        run_until_stopped("results.serve", settings.grpc_address, start(settings).stop)


if __name__ == "__main__":
    service_main("results.serve", main)
