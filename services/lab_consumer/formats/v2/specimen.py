"""SPM, or OBR-15 before version 2.5 -> a contained Specimen."""

from __future__ import annotations

from services.lab_consumer.formats.v2.site import MessageSite, concept
from shared.fhir.reading.json_text import JsonObject
from shared.hl7.reading.cell import Cell
from shared.hl7.reading.results import Order
from shared.hl7.reading.times import read_time

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
    if order.specimens or order.request is None:
        return {}
    source = order.request.cell(15)  # SPS: its components are CE, with sub-components
    kind, place, side = (_lowered(source.component(number)) for number in (1, 4, 5))
    return _specimen(concept(kind, site, _SOURCES), concept(place, site), concept(side, site), "")


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
