"""Health and metrics of dispatch, which also looks up the ledger's numbers (one process does, for all)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.results.config import Settings
from services.results.dispatch.ports import Queue
from services.results.ledger.numbers import Numbers
from shared.bundles.catalog import Catalog
from shared.observability import checks, metrics
from shared.observability.health import Check
from shared.observability.loops import Loop
from shared.observability.operations import Operations


@dataclass(frozen=True, slots=True)
class SampleLedger:
    """Set the gauges of the ledger and of the queue."""

    numbers: Numbers
    queue: Queue
    now: Callable[[], datetime]

    def __call__(self) -> None:
        """Look once.

        Raises:
            UnavailableError: If ledger or Redis cannot be reached; the numbers stay, and so does the time of the look.
        """
        now = self.now()
        metrics.CASES.put(self.numbers.cases())
        metrics.CASE_AGE.put(self.numbers.oldest_cases(now))
        metrics.ATTEMPTS.put(self.numbers.attempts())
        metrics.ORDERS_WAITING.set(self.numbers.orders_waiting(now))
        metrics.NOTICES.set(self.numbers.notices())
        metrics.AUDIT_HEAD.set(self.numbers.audit_head())
        metrics.SAMPLED.set(now.timestamp())
        metrics.QUEUE_DEPTH.set(self.queue.waiting())


def operations(settings: Settings, sample: SampleLedger, catalog: Catalog, loops: tuple[Loop, ...]) -> Operations:
    """Return what an operator of dispatch may look at."""
    remedy = "are workers running, and is Redis up? `oncorelay doctor`"
    watched: dict[str, Check] = {
        "ledger": checks.succeeds(sample.numbers.reachable),
        "redis": checks.succeeds(sample.queue.waiting),
        "lab_consumer": checks.listens(settings.lab_consumer_address, "lab_consumer"),
        "bundles": lambda: _bundles(catalog),
        "backlog": checks.at_most(
            lambda: sample.numbers.orders_waiting(sample.now()), settings.backlog, "orders wait", remedy
        ),
        "loops": checks.alive(loops),
    }
    return Operations("results.dispatch", settings.dispatch_ops_address, settings.site.otlp_endpoint, watched, sample)


def _bundles(catalog: Catalog) -> str:
    if not catalog.problems:
        return "" if catalog.installed else "no bundle is installed: every case would end as not analysed"
    first = catalog.problems[0]
    return f"{first.bundle}: {first.reason}; {first.remedy}"
