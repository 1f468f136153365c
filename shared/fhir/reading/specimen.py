"""Was it blood: the type of the specimen a laboratory value was measured in."""

from __future__ import annotations

from shared.codes.specimens import BLOOD, SYSTEMS
from shared.fhir.reading.elements import codings, key
from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.refusal import IssueCode, RefusedElementError


def says_its_type(specimen: JsonObject) -> bool:
    """Tell whether a Specimen has a type in a code system we can judge."""
    return any(coding.system in SYSTEMS for coding in codings(specimen.get("type")))


def refuse_other_than_blood(specimen: JsonObject, element: str) -> None:
    """Refuse what was not measured in blood, serum or plasma.

    A specimen that is not stated, has no type, or only a laboratory's own code, says nothing against it: then the code
    of the Observation counts, whose LOINC system axis (or the site's declaration) says serum, plasma or blood.

    Raises:
        RefusedElementError: If the specimen's type is a standard code of something else.
    """
    judged = [coding for coding in codings(specimen.get("type")) if coding.system in SYSTEMS]
    if judged and not any(key(coding) in BLOOD for coding in judged):
        raise RefusedElementError(
            element,
            IssueCode.NOT_SUPPORTED,
            "not measured in blood, serum or plasma: send the value of a blood specimen, or correct Specimen.type",
        )
