"""SPM, or OBR-15 before version 2.5 -> a contained Specimen."""

from __future__ import annotations

from services.lab_consumer.formats.v2.site import MessageSite, concept
from shared.codes.specimens import BLOOD, SYSTEMS
from shared.domain.refusals import Cause
from shared.fhir.reading.elements import codings, key
from shared.fhir.reading.json_text import JsonObject
from shared.hl7.reading.cell import Cell
from shared.hl7.reading.results import Order
from shared.hl7.reading.times import read_time
from shared.hl7.refusal import RefusedMessageError

ID = "specimen"
_TYPES, _SOURCES = "0487", "0070"
"""HL7 tables that SPM-4 and OBR-15.1 are bound to."""


def read_specimen(order: Order, site: MessageSite) -> JsonObject:
    """Return the Specimen of an order; empty where nothing is said.

    Raises:
        RefusedMessageError: If it cannot be read.
    """
    if order.specimen:
        made = order.specimen
        return _specimen(
            concept(made.cell(4), site, _TYPES), concept(made.cell(8), site), concept(made.cell(9), site),
            _collected(made.cell(17), site),
        )  # fmt: skip
    if order.specimens:
        return _one_kind([concept(row.cell(4), site, _TYPES) for row in order.specimens])
    if order.request is None:
        return {}
    source = order.request.cell(15)  # SPS: its components are CE, with sub-components
    kind, place, side = (_lowered(source.component(number)) for number in (1, 4, 5))
    return _specimen(concept(kind, site, _SOURCES), concept(place, site), concept(side, site), "")


def _one_kind(kinds: list[JsonObject]) -> JsonObject:
    """Return what several specimens have in common: that none of them is known to be other than blood, or all are."""
    stated = [[coding for coding in codings(kind) if coding.system in SYSTEMS] for kind in kinds]
    other = [bool(judged) and not any(key(coding) in BLOOD for coding in judged) for judged in stated]
    if any(other) and not all(other):
        raise RefusedMessageError(
            "SPM", Cause.INVALID_VALUE,
            "several specimens of different types: nothing says which of them was measured; send an order for each",
        )  # fmt: skip
    return _specimen(kinds[0], {}, {}, "") if all(other) else {}


def _specimen(kind: JsonObject, place: JsonObject, side: JsonObject, collected: str) -> JsonObject:
    if place and side:
        place = place | {"coding": [*place.get("coding", []), *side.get("coding", [])]}
    collection = ({"collectedDateTime": collected} if collected else {}) | ({"bodySite": place} if place else {})
    found = ({"type": kind} if kind else {}) | ({"collection": collection} if collection else {})
    return {"resourceType": "Specimen", "id": ID} | found if found else {}


def _collected(field: Cell, site: MessageSite) -> str:
    stamp = read_time(field, site.zone)
    return stamp.fhir if stamp else ""


def _lowered(component: Cell) -> Cell:
    """Return a component whose sub-components stand where components do."""
    marks = component.delimiters
    return Cell(
        component.written.replace(marks.subcomponent, marks.component), component.element, marks, component.codec
    )
