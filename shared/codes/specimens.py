"""Specimens that a blood value may be measured in.

Sources: WHO DDCC implementation guide (value set of specimen types), the FHIR R4 Specimen example (122555007), the
American public health laboratories' list of specimen sources (122554006, 258580003), Medizininformatik-Initiative
(445295009), and HL7 v2 table 0487 (specimen type) with the older table 0070 whose codes it keeps.
"""

from __future__ import annotations

from shared.codes import snomed

V2_SPECIMEN_TYPE = "http://terminology.hl7.org/CodeSystem/v2-0487"
V2_SPECIMEN_SOURCE = "http://terminology.hl7.org/CodeSystem/v2-0070"

SYSTEMS = frozenset({snomed.SYSTEM, V2_SPECIMEN_TYPE, V2_SPECIMEN_SOURCE})
"""Systems whose codes we can judge; a laboratory's own code of a specimen says nothing to us."""

_SNOMED = {
    "119364003": "Serum specimen",
    "119361006": "Plasma specimen",
    "119297000": "Blood specimen",
    "122592007": "Acellular blood (serum or plasma) specimen",
    "122555007": "Venous blood specimen",
    "122554006": "Capillary blood specimen",
    "258580003": "Whole blood sample",
    "445295009": "Blood specimen with EDTA",
}
_V2 = {
    "SER": "Serum",
    "PLAS": "Plasma",
    "BLD": "Whole blood",
    "WB": "Blood, whole",
    "BLDV": "Blood, venous",
    "BLDC": "Blood, capillary",
    "BLDA": "Blood, arterial",
}
BLOOD = frozenset(
    {(snomed.SYSTEM, code) for code in _SNOMED}
    | {(system, code) for system in (V2_SPECIMEN_TYPE, V2_SPECIMEN_SOURCE) for code in _V2}
)
"""(system, code) of blood, serum and plasma."""
