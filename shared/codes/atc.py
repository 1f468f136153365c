"""ATC codes of cancer medicines, by the groups they stand in.

Source: WHO Collaborating Centre for Drug Statistics Methodology, ATC/DDD Index, names of the levels of L01
(antineoplastic agents) and L02 (endocrine therapy). A code begins with the codes of its groups, so the group that is
named most precisely decides. Until 2021 antibodies stood in L01XC and kinase inhibitors in L01XE, whatever they aim at:
their codes give the class ``other``, which is a cancer therapy all the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

SYSTEM = "http://www.whocc.no/atc"
SYSTEMS = frozenset({SYSTEM, "http://fhir.de/CodeSystem/bfarm/atc"})
"""WHO's own (HL7 terminology, v3-WC), and the German edition, which has the same codes in L."""

THERAPIES: Mapping[str, str] = {
    "L01": "other",  # Antineoplastic agents
    "L01A": "chemotherapy",  # Alkylating agents
    "L01B": "chemotherapy",  # Antimetabolites
    "L01C": "chemotherapy",  # Plant alkaloids and other natural products
    "L01D": "chemotherapy",  # Cytotoxic antibiotics and related substances
    "L01XA": "chemotherapy",  # Platinum compounds
    "L01EH": "her2",  # Human epidermal growth factor receptor 2 (HER2) tyrosine kinase inhibitors
    "L01FD": "her2",  # HER2 (Human Epidermal Growth Factor Receptor 2) inhibitors
    "L02": "endocrine",  # Endocrine therapy
}
"""Group -> class of ``FactName.THERAPY``."""

# Five levels: L, 01, D, B, 01; a code may end after any of them.
_CODE = re.compile(r"[A-Z](\d{2}([A-Z]([A-Z](\d{2})?)?)?)?")


def therapy(code: str) -> str | None:
    """Return the class of ``FactName.THERAPY`` of a medicine or group; None where it is no cancer medicine."""
    if not _CODE.fullmatch(code):
        return None
    groups = [group for group in THERAPIES if code.startswith(group)]
    return THERAPIES[max(groups, key=len)] if groups else None
