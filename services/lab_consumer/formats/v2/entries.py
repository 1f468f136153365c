"""A whole ORU^R01 -> what ``Receive`` takes: each Patient, then her Observations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from services.lab_consumer.formats.v2.observation import Doubts, read_observation
from services.lab_consumer.formats.v2.patient import Subject
from services.lab_consumer.formats.v2.site import MessageSite, at_home, doubt, meta_of
from services.lab_consumer.handlers.submission import Submission
from shared.domain.refusals import Cause
from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.refusal import IssueCode, RefusedElementError
from shared.hl7.reading.message import Message, Segment
from shared.hl7.reading.results import Order, PatientResults, read_results
from shared.hl7.refusal import RefusedMessageError


def read_entries(message: Message, site: MessageSite) -> tuple[Submission | RefusedElementError, ...]:
    """Return the submissions of a message; a refusal where an observation is none.

    Raises:
        RefusedMessageError: If it reports nothing.
    """
    here = at_home(message, site)
    found = tuple(entry for group in read_results(message) for entry in _entries(group, here))
    if not found:
        raise RefusedMessageError("OBX", Cause.UNREADABLE, "an ORU reports observations, and there is no OBX")
    return tuple(_told_apart(found))


def _told_apart(entries: Sequence[Submission | RefusedElementError]) -> Iterator[Submission | RefusedElementError]:
    """Doubt results of one message that have one name and say different things: the last must not hide the others."""
    named: dict[str, list[Submission]] = {}
    for entry in entries:
        if isinstance(entry, Submission):
            named.setdefault(entry.source, []).append(entry)
    for entry in entries:
        yield _doubted(entry, named[entry.source]) if isinstance(entry, Submission) else entry


def _doubted(entry: Submission, twins: Sequence[Submission]) -> Submission:
    other = next((twin for twin in twins if twin.resource != entry.resource), None)
    if other is None:
        return entry
    text = f"the same order number, code and sub-id stand in {other.place} too: the sub-id tells results apart"
    return replace(entry, doubt=entry.doubt or RefusedElementError(f"{entry.place}-4", IssueCode.DUPLICATE, text))


def _entries(group: PatientResults, site: MessageSite) -> Iterator[Submission | RefusedElementError]:
    subject = Subject.of(group.patient, site)
    rows = [(segment, order) for order in group.orders for segment in order.observations]
    if rows and subject.patient:
        yield subject.patient
    yield from (_observation(segment, order, subject, site) for segment, order in rows)


def _observation(
    segment: Segment, order: Order, subject: Subject, site: MessageSite
) -> Submission | RefusedElementError:
    doubts = Doubts()
    her = subject.reference(doubts)
    about = {"subject": her} if her else {}
    try:
        made = read_observation(segment, order, site, doubts) | about | meta_of(site)
    except RefusedMessageError as error:
        return doubt(error)
    return Submission(
        "Observation", made["id"], made, place=segment.place, doubt=doubts.first,
        identity=subject.identity, taken=_taken(order, made),
    )  # fmt: skip


def _taken(order: Order, made: JsonObject) -> RefusedElementError | None:
    """Return why a result may not take the place of another patient's: laboratories use order numbers again."""
    if order.filler_number is None or made["status"] == "corrected":
        return None
    return RefusedElementError(
        order.filler_number.element, IssueCode.DUPLICATE,
        "this order number, code and sub-id are on record for another patient: only a correction (OBX-11 C) moves a "
        "result; another result needs another order number",
    )  # fmt: skip
