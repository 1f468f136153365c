"""``python -m services.results.deliver``: takes findings to their sinks until SIGTERM."""

from __future__ import annotations

from services.results.config import Settings
from services.results.deliver.app import build
from services.results.ledger.deliveries import LedgerDeliveries
from shared.observability.process import run_until_stopped, service_main


def main() -> None:
    """Run one worker per sink; a stop signal lets each finish what is under way."""
    settings = Settings()
    app = build(settings, LedgerDeliveries.at(settings.ledger_url))
    app.start()
    run_until_stopped("results.deliver", ", ".join(sink.name for sink in settings.sinks), app.stop)


if __name__ == "__main__":
    service_main("results.deliver", main)
