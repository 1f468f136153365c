"""Health and metrics of the lab consumer."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from services.lab_consumer.adapters.mllp.server import MllpServer
from services.lab_consumer.adapters.outbox import SqlOutbox
from services.lab_consumer.config import Settings
from services.lab_consumer.handlers.answers import Answer
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


def operations(
    settings: Settings, reachable: Callable[[], object], outbox: SqlOutbox, mllp: MllpServer | None = None
) -> Operations:
    """Return what an operator of the lab consumer may look at."""

    def sample() -> None:
        metrics.LAB_OUTBOX.set(outbox.waiting())

    watched: dict[str, Check] = {
        "database": checks.succeeds(reachable),
        "disk": checks.disk(settings.site.data_folder, settings.min_free_mb),
        "results": checks.listens(settings.results_address, "results.serve"),
        "backlog": checks.at_most(
            outbox.waiting, settings.backlog, "announcements wait for results", "is results.serve up?"
        ),
    }
    if mllp:
        watched["mllp"] = mllp.check
    return Operations("lab_consumer", settings.ops_address, settings.site.otlp_endpoint, watched, sample)
