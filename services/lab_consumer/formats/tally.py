"""The answer to NDJSON: NDJSON of OperationOutcomes, one for the whole and one for each line to look at."""

from __future__ import annotations

from typing import Any

from services.lab_consumer.formats.outcome import answered, outcome
from services.lab_consumer.handlers.answers import Issue, Severity, informed
from services.lab_consumer.handlers.lines import Tally
from shared.domain.refusals import ANSWERS
from shared.fhir.reading.json_text import canonical
from shared.fhir.reading.refusal import IssueCode

JsonObject = dict[str, Any]

NDJSON = "application/fhir+ndjson"
"""FHIR Bulk Data Access 2.0, "File Format"."""


def whole(tally: Tally) -> JsonObject:
    """Return the OperationOutcome about the whole body."""
    counts = (
        f"{tally.lines} lines: {tally.kept} accepted, {tally.waiting} kept until their Patient is known, "
        f"{tally.nothing_new} nothing new or not used, {tally.refused} refused"
    )
    if tally.broken is None:
        return outcome([informed(counts)])
    again = f"{tally.broken.reason}; the lines counted here are answered for, send the rest again. {counts}"
    return outcome([Issue(Severity.ERROR, IssueCode(ANSWERS[tally.broken.cause].fhir), "", again)])


def lines(tally: Tally) -> bytes:
    """Return the answer: the whole first; then ``id`` ``line-N`` for line N, where it was refused or has a warning."""
    rows = [whole(tally), *(answered(row.answer) | {"id": f"line-{row.number}"} for row in tally.told)]
    return "".join(f"{canonical(row)}\n" for row in rows).encode()
