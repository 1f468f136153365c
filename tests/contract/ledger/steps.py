"""A case taken to where a test needs it."""

from __future__ import annotations

from typing import Any

from services.results.ledger.deliveries import LedgerDeliveries
from services.results.ledger.findings import Finding
from services.results.ledger.ledger import Ledger
from shared.domain.case import Pins
from shared.testing.cases import a_prediction, a_study, some_pins

SINKS = ("pacs", "ehr")


def name(finding: Finding) -> str:
    return f"uid-{finding.revision}"


def studied(ledger: Ledger, clock: Any, number: int = 1, **changes: Any) -> str:
    """Submit one study; return its case."""
    study = a_study(study_instance_uid=f"1.2.826.0.1.3680043.8.498.3.{number}", **changes)
    return ledger.intake.submit(f"study-{number}", study, ("ln_pcr",), clock())[0]


def pinned(ledger: Ledger, clock: Any, pins: Pins | None = None) -> None:
    """Pin everything that is due."""
    for due in ledger.collecting.due(clock()):
        ledger.collecting.pin(due, pins or some_pins(), clock())


def predicted(ledger: Ledger, clock: Any, number: int = 1, **changes: Any) -> str:
    """Take one study to its prediction; return its case."""
    case_id = studied(ledger, clock, number, **changes)
    pinned(ledger, clock)
    claim = ledger.attempts.claim(f"claim-{case_id}", case_id, 1, "worker", clock())
    ledger.attempts.answer(f"answer-{case_id}", case_id, claim.attempt, a_prediction(), clock())
    return case_id


def deliver_all(ledger: Ledger, clock: Any, sinks: tuple[str, ...] = SINKS) -> list[str]:
    """Deliver everything that is due; return ``sink kind`` in the order of sending."""
    deliveries, sent = LedgerDeliveries(ledger.engine), []
    for sink in sinks:
        while (due := deliveries.take_due(sink, clock(), 30, name)) is not None:
            sent.append(f"{sink} {due.finding.kind}")
            deliveries.delivered(due, name(due.finding), f"at {sink}", clock())
    return sent
