"""Wires dispatch: the only file that names its adapters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from services.results.config import Settings
from services.results.dispatch.adapters.calibrations import CalibrationFolder
from services.results.dispatch.adapters.operations import SampleLedger, operations
from services.results.dispatch.handlers import EvaluateCases, Reconcile, SendOrders
from services.results.ledger.database import check_schema
from services.results.ledger.ledger import open_ledger
from services.results.ledger.numbers import Numbers
from shared.bundles.catalog import installed_catalog
from shared.messaging.orders import OrderQueue
from shared.observability.loops import Loop
from shared.observability.operations import Operations
from shared.predictors.lung_metastasis.draw import DrawWindow
from shared.predictors.registry import registry_with
from shared.rpc.clients import LabConsumerClient
from shared.storage.erasure import BlobEraser

RECONCILE_S = 1.0
GOVERN_S = 0.5
"""Pause between two batches of a recall or an erasure, in seconds: everybody else gets the ledger in between."""
PURGE_S = 600.0


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """The running loops."""

    loops: tuple[Loop, ...]
    close: Callable[[], None]
    operations: Operations

    def stop(self) -> None:
        """End every loop after the step in hand, then close what was opened."""
        for loop in self.loops:
            loop.ask_to_stop()
        for loop in self.loops:
            loop.stop()
        self.close()


def start(settings: Settings) -> Dispatch:
    """Check the schema, verify the bundles and start the loops.

    Raises:
        ConflictError: If the ledger's schema is not the one this code knows.
    """
    ledger = open_ledger(settings)
    check_schema(ledger.engine)
    ledger.overdue.tell_removed(utc_now())
    lab = LabConsumerClient(settings.lab_consumer_address, tls=settings.site.tls("results"))
    queue = OrderQueue(settings.broker_url)
    catalog = installed_catalog(settings.bundle_folders, settings.trusted_key_folder)
    predictors = registry_with(DrawWindow(settings.draw_days, settings.oldest_days))
    evaluate = EvaluateCases(
        ledger.collecting, lab, catalog, ledger.recalls, predictors, utc_now, settings.imaging.policy,
        settings.slides.policy, CalibrationFolder(settings.calibration_folder, catalog.keys),
    )  # fmt: skip
    eraser = BlobEraser(settings.site.blob_folder)
    steps: tuple[tuple[str, Callable[[], object], float], ...] = (
        ("reconcile", Reconcile(ledger.attempts, ledger.overdue, ledger.orders, queue, utc_now), RECONCILE_S),
        ("recall", lambda: ledger.recalls.work(utc_now()), GOVERN_S),
        ("erase", lambda: ledger.erasures.work(eraser, utc_now()), GOVERN_S),
        ("purge", lambda: ledger.retention.purge(utc_now(), eraser), PURGE_S),
    )
    send = Loop("send", SendOrders(ledger.orders, queue, utc_now), settings.poll_s)
    evaluating = Loop("evaluate", lambda: _then(evaluate, send), settings.poll_s)
    loops = (evaluating, send, *(Loop(name, step, pause) for name, step, pause in steps))
    for loop in loops:
        loop.start()
    sample = SampleLedger(Numbers(ledger.engine), queue, utc_now)
    return Dispatch(loops, lab.close, operations(settings, sample, catalog, loops))


def _then(evaluate: EvaluateCases, send: Loop) -> None:
    """Evaluate; what was pinned is sent at once."""
    if evaluate():
        send.wake()
