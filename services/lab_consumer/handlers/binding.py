"""Which tumour a fact is about: Observation.focus, body site, specimen. Never a guessed side (system rule 4a)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.domain.facts import FactName, Tumour
from shared.domain.identity import Side
from shared.fhir.reading.catalogue import IN_BLOOD
from shared.fhir.reading.condition import ConditionRead
from shared.fhir.reading.elements import objects
from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.refusal import IssueCode, RefusedElementError
from shared.fhir.reading.site import Site, read_site
from shared.fhir.reading.specimen import refuse_other_than_blood

_OF_THE_PATIENT = IN_BLOOD | {FactName.ENDOCRINE_THERAPY_RECEIVED}
_OF_TISSUE = frozenset(
    {
        FactName.ESTROGEN_RECEPTOR,
        FactName.ESTROGEN_RECEPTOR_PERCENT,
        FactName.PROGESTERONE_RECEPTOR,
        FactName.PROGESTERONE_RECEPTOR_PERCENT,
        FactName.HER2_INTERPRETATION,
        FactName.HER2_IHC_SCORE,
        FactName.HER2_ISH,
    }
)
"""Measured in tissue: where the tissue came from decides whether it is the primary tumour."""


@dataclass(frozen=True, slots=True)
class Tumours:
    """The patient's Conditions, and how facts point at them."""

    conditions: Mapping[str, ConditionRead]

    def standing(self) -> tuple[Tumour, ...]:
        """Return the primary breast cancers on record."""
        rows = sorted(self.conditions.items())
        return tuple(Tumour(source, read.side) for source, read in rows if read.is_breast_cancer and read.stands)

    def of_observation(self, name: FactName, resource: JsonObject, specimen: JsonObject | None) -> Tumour | None:
        """Return the tumour an Observation is about, None where it does not say.

        Raises:
            RefusedElementError: If it is about something else, or contradicts itself.
        """
        if name in IN_BLOOD and specimen:
            refuse_other_than_blood(specimen, "Observation.specimen")
        if name in _OF_THE_PATIENT:
            return None
        condition = self._named(_conditions(resource.get("focus", [])), "Observation.focus")
        site, element = _site(resource, specimen)
        if name in _OF_TISSUE and site and not site.is_breast:
            raise RefusedElementError(
                element, IssueCode.NOT_SUPPORTED, "the tissue is not from a breast we know by code"
            )
        return _joined(condition, site.side if site else None, element)

    def of_therapy(self, resource: JsonObject) -> Tumour | None:
        """Return the tumour a therapy is for, None where nothing says so; a therapy is never dropped for this."""
        try:
            condition = self._named(_conditions(resource.get("reasonReference", [])), "reasonReference")
            sites = [read_site(site, "bodySite") for site in objects(resource.get("bodySite", []))]
            return _joined(condition, next((site.side for site in sites if site and site.side), None), "bodySite")
        except RefusedElementError:
            return None

    def _named(self, sources: list[str], element: str) -> Tumour | None:
        if not sources:
            return None
        if len(sources) > 1:
            raise RefusedElementError(element, IssueCode.CONFLICT, "names more than one Condition")
        read = self.conditions.get(sources[0])
        if read is None:
            return Tumour(sources[0])  # not received yet: which tumour is said, its side is not known
        if not read.is_breast_cancer or not read.stands:
            raise RefusedElementError(
                element, IssueCode.NOT_SUPPORTED, "the Condition is not a primary breast cancer on record"
            )
        return Tumour(sources[0], read.side)


def specimen_reference(resource: JsonObject) -> str:
    """Return the reference of the specimen an Observation was made on; empty where none."""
    specimen = resource.get("specimen")
    return str(specimen.get("reference", "")) if isinstance(specimen, dict) else ""


def _conditions(references: Any) -> list[str]:
    found = [str(row.get("reference", "")) for row in objects(references)]
    return list(dict.fromkeys(reference for reference in found if reference.startswith("Condition/")))


def _site(resource: JsonObject, specimen: JsonObject | None) -> tuple[Site | None, str]:
    stated = read_site(resource.get("bodySite"), "Observation.bodySite")
    if stated:
        return stated, "Observation.bodySite"
    collected = ((specimen or {}).get("collection") or {}).get("bodySite")
    return read_site(collected, "Observation.specimen"), "Observation.specimen"


def _joined(condition: Tumour | None, side: Side | None, element: str) -> Tumour | None:
    if condition is None:
        return Tumour("", side) if side else None
    if side and condition.side not in (None, Side.BOTH, side):
        raise RefusedElementError(element, IssueCode.CONFLICT, "it and the Condition name different sides")
    return Tumour(condition.condition, side or condition.side)
