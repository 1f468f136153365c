"""A whole OML^O21 -> what ``Receive`` takes: the Patient, then a ServiceRequest an order, its Specimens contained."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from services.lab_consumer.formats.v2.observation import NOTHING, Doubts
from services.lab_consumer.formats.v2.patient import Subject
from services.lab_consumer.formats.v2.site import MessageSite, at_home, concept, doubt, meta_of
from services.lab_consumer.handlers.submission import UNNAMED, Submission
from shared.codes import snomed
from shared.domain.refusals import Cause
from shared.fhir.reading.json_text import JsonObject, canonical
from shared.fhir.reading.refusal import IssueCode, RefusedElementError
from shared.fhir.reading.slide_request import HL7_ORDER
from shared.hl7.reading.message import Message
from shared.hl7.reading.orders import ACTIVE, OrderedSpecimen, SpecimenOrder, read_orders
from shared.hl7.refusal import RefusedMessageError

_TYPES, _SECTIONS = "0487", "0074"
"""HL7 tables that SPM-4 and OBR-24 are bound to."""
_SLIDE = {"coding": [{"system": snomed.SYSTEM, "code": "1179252003", "display": "Slide"}]}


@dataclass(frozen=True, slots=True)
class OrderPlaces:
    """Where a site's orders state the identifiers; of several places the first that states one counts."""

    accession: tuple[str, ...] = ("OBR-18",)
    specimen: tuple[str, ...] = ("SPM-2.2", "SPM-2.1")
    block: tuple[str, ...] = ("SAC-4",)
    slide: tuple[str, ...] = ("SAC-3",)
    container: tuple[str, ...] = ("SAC-3",)


def read_slide_orders(
    message: Message, site: MessageSite, places: OrderPlaces
) -> tuple[Submission | RefusedElementError, ...]:
    """Return the submissions of a message; a refusal where an order has no number.

    Raises:
        RefusedMessageError: If it orders nothing.
    """
    segment, orders = read_orders(message)
    here = at_home(message, site)
    subject = Subject.of(segment, here)
    made = tuple(made for order in orders for made in _submissions(order, subject, here, places))
    return (subject.patient, *made) if subject.patient else made


def _submissions(
    order: SpecimenOrder, subject: Subject, site: MessageSite, places: OrderPlaces
) -> Iterator[Submission | RefusedElementError]:
    try:
        found, number = _named(order, site)
        authority = _authority(order)
        nothing_new = _nothing_new(order)
    except RefusedMessageError as error:
        yield doubt(error)
        return
    if not nothing_new:
        yield _submission(order, subject, site, places, found, number, authority)


def _nothing_new(order: SpecimenOrder) -> bool:
    """Tell whether a message only says of an order on record that it stands.

    Raises:
        RefusedMessageError: If it places or changes one without saying what it is.
    """
    bare = order.request is None and order.status == ACTIVE
    if bare and not order.only_tells:
        raise RefusedMessageError(
            order.common.place, Cause.UNREADABLE, "an order that is placed or changed is stated whole, with its OBR"
        )
    return bare


def _submission(
    order: SpecimenOrder, subject: Subject, site: MessageSite, places: OrderPlaces,
    found: str, number: str, authority: list[str],
) -> Submission:  # fmt: skip
    doubts = Doubts()
    about: JsonObject = {"subject": subject.reference(doubts) or {"display": "not stated"}}
    status = doubts.read(lambda: order.status, "unknown")
    made: JsonObject = {"resourceType": "ServiceRequest", "id": found, "status": status, "intent": "order"}
    assigner: JsonObject = {"display": _sender(site)} | _stated("identifier", _assigned(authority))
    made |= {"requisition": {"system": HL7_ORDER, "value": number, "assigner": assigner}}
    if order.request:
        request = order.request
        made |= _stated("code", doubts.read(lambda: concept(request.cell(4), site), NOTHING))
        made |= _sections(doubts.read(lambda: concept(request.cell(24), site, _SECTIONS), NOTHING))
    if status == ACTIVE:
        made |= doubts.read(lambda: _specimens(order, site, places), NOTHING)
    return Submission(
        "ServiceRequest", found, made | about | meta_of(site), place=(order.request or order.common).place,
        doubt=doubts.first, identity=subject.identity,
        taken=_taken(order),
    )  # fmt: skip


def _named(order: SpecimenOrder, site: MessageSite) -> tuple[str, str]:
    """Return the id of an order and its placer's number: the same number of the same placer is the same order."""
    cell = order.placer_number
    number = cell.component(1).text()
    if not number:
        raise RefusedMessageError(
            cell.element,
            Cause.UNREADABLE,
            "the placer's order number is needed: by it an order is changed and cancelled",
        )
    authority = _authority(order)[:2]
    said = ["ServiceRequest", number, *(authority if any(authority) else [site.sender])]
    return UNNAMED + hashlib.sha256(canonical(said).encode()).hexdigest()[:32], number


def _authority(order: SpecimenOrder) -> list[str]:
    """Return who gave the placer's number: namespace, universal id and its type (EI.2 to EI.4)."""
    return [order.placer_number.component(part).text() for part in (2, 3, 4)]


def _assigned(authority: list[str]) -> JsonObject:
    return {"value": canonical(authority)} if any(authority) else {}


def _taken(order: SpecimenOrder) -> RefusedElementError:
    return RefusedElementError(
        order.placer_number.element, IssueCode.DUPLICATE,
        "this order number is on record for another patient: cancel that order first, or send another number",
    )  # fmt: skip


def _specimens(order: SpecimenOrder, site: MessageSite, places: OrderPlaces) -> JsonObject:
    contained: list[JsonObject] = []
    references: list[JsonObject] = []
    for number, specimen in enumerate(order.specimens, 1):
        part = _part(order, specimen, site, places, f"s{number}")
        glasses = list(_glasses(order, specimen, places, part))
        contained += [part, *(one for pair in glasses for one in pair)]
        references += [{"reference": f"#{slide['id']}"} for _, slide in glasses]
    return {"contained": contained, "specimen": references} if contained else {}


def _part(
    order: SpecimenOrder, specimen: OrderedSpecimen, site: MessageSite, places: OrderPlaces, name: str
) -> JsonObject:
    segment = specimen.specimen
    first = specimen.containers[0] if specimen.containers else None
    made: JsonObject = {"resourceType": "Specimen", "id": name}
    made |= _identified(order.stated_at(places.specimen, specimen, None))
    accession = order.stated_at(places.accession, specimen, first)
    made |= {"accessionIdentifier": {"value": accession}} if accession else {}
    made |= _stated("type", concept(segment.cell(4), site, _TYPES))
    place, side = concept(segment.cell(8), site), concept(segment.cell(9), site)
    codes = [*place.get("coding", []), *(side.get("coding", []) if place else [])]
    return made | ({"collection": {"bodySite": {"coding": codes}}} if codes else {})


def _glasses(
    order: SpecimenOrder, specimen: OrderedSpecimen, places: OrderPlaces, part: JsonObject
) -> Iterator[tuple[JsonObject, JsonObject]]:
    """Yield block and slide of each container; of a specimen without any, one that only the site's places can name."""
    for number, container in enumerate(specimen.containers or [None], 1):
        block_id, slide_id = f"{part['id']}b{number}", f"{part['id']}g{number}"
        block = {"resourceType": "Specimen", "id": block_id, "parent": [{"reference": f"#{part['id']}"}]}
        block |= _identified(order.stated_at(places.block, specimen, container))
        slide = {"resourceType": "Specimen", "id": slide_id, "type": _SLIDE, "parent": [{"reference": f"#{block_id}"}]}
        slide |= _identified(order.stated_at(places.slide, specimen, container))
        bears = order.stated_at(places.container, specimen, container)
        yield block, slide | ({"container": [{"identifier": [{"value": bears}]}]} if bears else {})


def _identified(value: str) -> JsonObject:
    return {"identifier": [{"value": value}]} if value else {}


def _stated(name: str, found: JsonObject) -> JsonObject:
    return {name: found} if found else {}


def _sections(found: JsonObject) -> JsonObject:
    return {"category": [found]} if found else {}


def _sender(site: MessageSite) -> str:
    return site.sender[:64]
