"""Health and metrics of slide ingestion."""

from __future__ import annotations

from collections.abc import Sequence

from services.slide_ingestion.adapters.store import SqlOutbox, SqlSlides
from services.slide_ingestion.config import Settings
from services.slide_ingestion.handlers.look import LookAtDoor
from shared.observability import checks, metrics
from shared.observability.health import Check
from shared.observability.loops import Loop
from shared.observability.operations import Operations


def operations(
    settings: Settings, store: SqlSlides, outbox: SqlOutbox, looks: Sequence[LookAtDoor], loops: Sequence[Loop]
) -> Operations:
    """Return what an operator of slide ingestion may look at."""

    def sample() -> None:
        for state, number in store.counts().items():
            metrics.SLIDES.set(number, state=state)
        metrics.SLIDES_OUTBOX.set(outbox.waiting())

    watched: dict[str, Check] = {
        "database": checks.succeeds(store.counts),
        "disk": checks.disk(settings.site.data_folder, settings.min_free_mb),
        "results": checks.listens(settings.results_address, "results.serve"),
        "loops": checks.alive(loops),
        "doors": _doors(looks),
        "backlog": checks.at_most(
            outbox.waiting, settings.backlog, "slides and notices wait for results", "is results.serve up?"
        ),
    }
    return Operations("slide_ingestion", settings.ops_address, settings.site.otlp_endpoint, watched, sample)


def _doors(looks: Sequence[LookAtDoor]) -> Check:
    def look() -> str:
        return "; ".join(f"{one.door.name}: {one.trouble}" for one in looks if one.trouble)

    return look
