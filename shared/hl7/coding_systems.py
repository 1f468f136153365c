"""CE-3 and CWE-3 -> code system URI (HL7 table 0396; FHIR R4 "Using Codes with HL7 v2").

What a site calls ``L`` or ``99ABC`` means something at that site only: it maps them, or they get a name of their own
that no table of ours knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from shared.codes import icd10, loinc, rxnorm, snomed, ucum

SYSTEMS: Mapping[str, str] = {
    "LN": loinc.SYSTEM,
    "SCT": snomed.SYSTEM,
    "UCUM": ucum.SYSTEM,
    "RXNORM": rxnorm.SYSTEM,
    "I10": "http://hl7.org/fhir/sid/icd-10",
    "I10C": icd10.SYSTEM_CM,
}
LOCAL = "urn:oncorelay:hl7v2:"
"""Prefix of a coding system nobody mapped; codes without a system are ``L``, local (table 0396)."""
_TABLE = re.compile(r"HL7(\d{4})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")


def table(number: str) -> str:
    """Return the URI of an HL7 table, for example ``0487``."""
    return f"http://terminology.hl7.org/CodeSystem/v2-{number}"


def system_of(name: str, site: Mapping[str, str], bound: str = "") -> str:
    """Return the URI of a coding system's name; empty where that cannot be a name.

    ``site``: what the site's own names mean. ``bound``: the HL7 table of a field, which holds where no name is stated.
    """
    if not name and bound:
        return table(bound)
    known = {**SYSTEMS, **site}
    if (name or "L") in known:
        return known[name or "L"]
    numbered = _TABLE.fullmatch(name)
    if numbered:
        return table(numbered[1])
    return LOCAL + (name or "L") if not name or _NAME.fullmatch(name) else ""
