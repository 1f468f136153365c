"""What mapping has to know about the site and the message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from shared.domain.identity import IdentityMap, PatientIdentity
from shared.domain.refusals import Cause
from shared.fhir.reading.json_text import JsonObject, canonical
from shared.fhir.reading.refusal import IssueCode, RefusedElementError
from shared.hl7.coding_systems import system_of
from shared.hl7.reading.cell import Cell
from shared.hl7.reading.header import Header
from shared.hl7.reading.message import Message
from shared.hl7.reading.times import read_time, stated_zone
from shared.hl7.refusal import RefusedMessageError

DAY = 3
"""Parts of a time that states its day and nothing finer."""


@dataclass(frozen=True, slots=True)
class MessageSite:
    """The site's tables, and the message's own zone and sender."""

    identities: IdentityMap
    code_systems: Mapping[str, str]
    """The site's names of coding systems (CE-3) -> URI."""
    zone: tzinfo
    """Where a time states no offset: that of MSH-7, else the site's."""
    now: datetime
    sender: str
    """MSH-3 and MSH-4, where an order number names no authority of its own."""
    sent: str
    """FHIR instant of MSH-7; empty where it states none."""

    def subject(self, identity: PatientIdentity) -> JsonObject:
        """Return the FHIR Identifier of an identity; every authority with ``hl7_authority`` has a ``fhir_system``."""
        row = self.identities.authority(identity.authority)
        return {"system": row.fhir_system if row else "", "value": identity.identifier}


def at_home(message: Message, site: MessageSite) -> MessageSite:
    """Return the site with the zone, the sender and the time of a message."""
    return replace(
        site, zone=_zone(message.header, site.zone), sender=_sender(message.header), sent=_sent(message, site)
    )


def meta_of(site: MessageSite) -> JsonObject:
    """State when the sender wrote it, so that an older message that comes late, or again, changes nothing."""
    return {"meta": {"lastUpdated": site.sent}} if site.sent else {}


def doubt(error: RefusedMessageError) -> RefusedElementError:
    """Return why a message's element was not read, as the refusal of a resource."""
    code = IssueCode.STRUCTURE if error.cause is Cause.UNREADABLE else IssueCode.VALUE
    return RefusedElementError(error.element, code, error.reason)


def concept(field: Cell, site: MessageSite, bound: str = "") -> JsonObject:
    """Return the CodeableConcept of a CE or CWE: code, text, system, and the same again as alternate.

    Raises:
        RefusedMessageError: If code or system hold a separator that was not escaped.
    """
    rows = [_coding(field, first, site, bound) for first in (1, 4)]
    found: JsonObject = {"coding": [row for row in rows if row]} if any(rows) else {}
    text = field.component(9).text() or field.component(2).text()
    return found | ({"text": text} if text else {})


def code_only(field: Cell, site: MessageSite) -> JsonObject:
    """Return the same without any text: what was torn apart there does not touch the codes."""
    rows = [_coding(field, first, site, "", with_text=False) for first in (1, 4)]
    return {"coding": [row for row in rows if row]}


def _coding(field: Cell, first: int, site: MessageSite, bound: str, *, with_text: bool = True) -> JsonObject:
    code, name = field.component(first).text(), field.component(first + 2).text()
    system = system_of(name, site.code_systems, bound if first == 1 else "")
    if not code or not system:
        return {}
    text = field.component(first + 1).text() if with_text else ""
    return {"system": system, "code": code} | ({"display": text} if text else {})


def _zone(header: Header, otherwise: tzinfo) -> tzinfo:
    return stated_zone(header.cell(7)) or otherwise


def _sender(header: Header) -> str:
    return canonical([header.cell(number).written for number in (3, 4)])


def _sent(message: Message, site: MessageSite) -> str:
    try:
        stamp = read_time(message.header.cell(7), _zone(message.header, site.zone))
    except RefusedMessageError:
        return ""
    if stamp is None or stamp.parts <= DAY:
        return ""
    # A sender whose clock is ahead must not outrank its own later corrections.
    return min(stamp.moment, site.now).isoformat(timespec="microseconds")
