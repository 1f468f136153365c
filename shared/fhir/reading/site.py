"""Which breast a body site names: the site's own code, or its laterality qualifier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.codes import hl7_terminology, snomed
from shared.domain.identity import Side
from shared.fhir.reading.elements import Key, codings, key, known, objects
from shared.fhir.reading.refusal import IssueCode, RefusedElementError

_BREASTS: Mapping[Key, Side | None] = {(snomed.SYSTEM, code): side for code, side in snomed.BREAST_SITES.items()}
_SIDES: Mapping[Key, Side] = {(snomed.SYSTEM, code): side for code, side in snomed.LATERALITIES.items()}


@dataclass(frozen=True, slots=True)
class Site:
    """What a body site says: is it the breast, and which one."""

    is_breast: bool
    side: Side | None = None


def read_site(concept: Any, element: str) -> Site | None:
    """Return what a coded body site says; None where nothing is coded.

    Raises:
        RefusedElementError: If its codes and qualifiers name different sides.
    """
    if not codings(concept):
        return None
    breasts = [_BREASTS[key(coding)] for coding in codings(concept) if key(coding) in _BREASTS]
    sides = {side for side in [*breasts, _qualified(concept, element)] if side}
    if len(sides) > 1:
        raise RefusedElementError(element, IssueCode.CONFLICT, "names both sides")
    return Site(is_breast=bool(breasts), side=next(iter(sides), None) if breasts else None)


def _qualified(concept: Any, element: str) -> Side | None:
    """Return the side of mCODE's laterality qualifier, which refines the CodeableConcept itself."""
    for extension in objects(concept.get("extension", [])):
        if extension.get("url") == hl7_terminology.MCODE_LATERALITY:
            found = known(extension.get("valueCodeableConcept"), _SIDES, f"{element}.extension")
            return found[1] if found else None
    # Some senders put the qualifier beside the site, as a further coding of the same concept.
    return next((_SIDES[key(coding)] for coding in codings(concept) if key(coding) in _SIDES), None)
