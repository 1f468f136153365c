"""``python -m services.results.deliver``: runs until SIGTERM or SIGINT, then finishes what is under way."""

from __future__ import annotations

import signal
import sys
import threading

import structlog

from services.results.config import Settings
from services.results.deliver.app import build
from shared.observability.logging import configure


def main() -> int:
    """Run; return 1 where a sink did not answer before the process had to go."""
    from services.results.ledger.deliveries import LedgerDeliveries

    configure("results.deliver")
    log = structlog.get_logger("oncorelay.results.deliver")
    settings = Settings()
    app = build(settings, LedgerDeliveries.at(settings.ledger_url))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    app.start()
    log.info("ready", sinks=[sink.name for sink in settings.sinks])
    stop.wait()
    in_order = app.stop()
    log.info("stopped", in_order=in_order)
    return 0 if in_order else 1


if __name__ == "__main__":
    sys.exit(main())
