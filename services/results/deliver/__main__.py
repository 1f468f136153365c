"""``python -m services.results.deliver``: runs until SIGTERM or SIGINT, then finishes what is under way."""

from __future__ import annotations

from shared.observability.loading import loading

with loading():
    from services.results.config import Settings
    from services.results.deliver.adapters.operations import operations
    from services.results.deliver.app import build, checks, utc_now
    from services.results.ledger.database import check_schema
    from services.results.ledger.deliveries import LedgerDeliveries
    from services.results.ledger.numbers import Numbers
    from shared.observability.operations import watched
    from shared.observability.process import run_until_stopped, service_main


def main() -> None:
    """Run the workers of every sink; a stop signal lets each finish what is under way."""
    settings = Settings()
    deliveries = LedgerDeliveries.at(settings.ledger_url)
    check_schema(deliveries.engine)
    app = build(settings, deliveries)
    with watched(operations(settings, Numbers(deliveries.engine), checks(settings, deliveries.engine), utc_now)):
        app.start()
        run_until_stopped("results.deliver", ", ".join(sink.name for sink in settings.sinks), app.stop)


if __name__ == "__main__":
    service_main("results.deliver", main)
