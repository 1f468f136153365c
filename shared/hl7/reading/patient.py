"""PID and MRG -> whose identifier it is, by the site's map (HL7 v2.5.1 3.4.2, CX 2.A.14). Names are never read."""

from __future__ import annotations

from shared.domain.identity import IdentityMap, PatientIdentity
from shared.domain.refusals import Cause
from shared.hl7.reading.cell import Cell
from shared.hl7.refusal import RefusedMessageError


def identity_of(field: Cell, identities: IdentityMap) -> PatientIdentity:
    """Return the one identity among the repetitions of a CX.

    Raises:
        RefusedMessageError: If the map knows none of them, or two that differ.
    """
    named = {identity for cx in field.repetitions for identity in _identities(cx, identities)}
    if len(named) != 1:
        raise RefusedMessageError(
            field.element, Cause.INVALID_VALUE,
            "exactly one identifier of an authority in the site's map (hl7_authority) is needed",
        )  # fmt: skip
    return named.pop()


def _identities(cx: Cell, identities: IdentityMap) -> set[PatientIdentity]:
    """Return what namespace and universal id of the authority say; both are looked up, and must not disagree."""
    authority, value = cx.component(4), cx.component(1)
    names = {part for number in (1, 2) if (part := authority.subcomponent(number).text())}
    found = {identities.from_hl7(name, value.text()) for name in sorted(names) if _known(name, identities)}
    if None in found:
        raise RefusedMessageError(value.element, Cause.INVALID_VALUE, "cannot be an identifier")
    return {identity for identity in found if identity}


def _known(name: str, identities: IdentityMap) -> bool:
    return any(row.hl7_authority == name for row in identities.authorities)
