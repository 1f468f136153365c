"""Health and metrics of the lab consumer."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from services.lab_consumer.adapters.mllp.server import MllpServer
from services.lab_consumer.adapters.outbox import SqlOutbox
from services.lab_consumer.adapters.pulling import Pulling
from services.lab_consumer.adapters.slide_orders import SqlOrderOutbox
from services.lab_consumer.config import Settings
from services.lab_consumer.handlers.answers import Answer
from services.lab_consumer.handlers.lines import Tally
from shared.observability import checks, metrics
from shared.observability.health import Check
from shared.observability.operations import Operations


def count(answers: Iterable[Answer]) -> None:
    """Count what was answered, entry by entry."""
    for answer in answers:
        if answer.refused:
            metrics.FHIR_REFUSED.add(code=next((issue.code.value for issue in answer.issues), ""))
        else:
            metrics.FHIR_RESOURCES.add(outcome="accepted")


def count_lines(tally: Tally) -> None:
    """Count the lines of one NDJSON body."""
    metrics.FHIR_RESOURCES.add(tally.lines - tally.refused, outcome="accepted")
    count(row.answer for row in tally.told if row.answer.refused)


def operations(
    settings: Settings,
    reachable: Callable[[], object],
    outbox: SqlOutbox,
    pulling: Pulling | None,
    mllp: MllpServer | None = None,
    orders: SqlOrderOutbox | None = None,
) -> Operations:
    """Return what an operator of the lab consumer may look at."""

    def sample() -> None:
        metrics.LAB_OUTBOX.set(outbox.waiting())
        if pulling:
            metrics.LAB_WISHES.set(pulling.queue.waiting())

    watched: dict[str, Check] = {
        "database": checks.succeeds(reachable),
        "disk": checks.disk(settings.site.data_folder, settings.min_free_mb),
        "results": checks.listens(settings.results_address, "results.serve"),
        "backlog": checks.at_most(
            outbox.waiting, settings.backlog, "announcements wait for results", "is results.serve up?"
        ),
    }
    if settings.slide_ingestion_address and orders:
        watched["slide_ingestion"] = checks.listens(settings.slide_ingestion_address, "slide_ingestion")
        watched["orders"] = checks.at_most(
            orders.waiting, settings.backlog, "orders wait for slide_ingestion", "is slide_ingestion up?"
        )
    if mllp:
        watched["mllp"] = mllp.check
    if pulling and settings.fhir_server:
        watched["fhir_server"] = pulling.puller.trouble
        watched["wishes"] = checks.at_most(
            pulling.queue.waiting, settings.fhir_server.wishes, "resources are still to be asked of the FHIR server",
            "does it answer? (check fhir_server)",
        )  # fmt: skip
    return Operations("lab_consumer", settings.ops_address, settings.site.otlp_endpoint, watched, sample)
