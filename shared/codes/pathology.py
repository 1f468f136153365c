"""Codes of orders for slides: what is ordered, how the glass is stained, which tissue lies on it.

Sources: ``CID`` DICOM PS3.16 context groups; ``0074`` HL7 table 0074 (diagnostic service section); LOINC as in
``deploy/decisions``. Whatever else a site codes in, it declares (``[[lab_consumer.slide_code]]``).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from shared.codes import loinc, snomed

SYSTEM = "urn:oncorelay:slide-order"
"""Under it a meaning is put beside a code the site declared; a meaning that comes in from outside is removed."""


class SlideMeaning(StrEnum):
    """What a code of an order or a specimen says."""

    ORDER = "order"
    """Something on a slide is ordered; without saying how it is stained."""
    HE = "he"
    IHC = "ihc"
    OTHER_STAIN = "other_stain"
    BREAST = "breast"
    LYMPH_NODE = "lymph_node"
    OTHER_TISSUE = "other_tissue"
    AFTER_THERAPY = "after_therapy"
    BEFORE_THERAPY = "before_therapy"
    SLIDE = "slide"
    """The specimen is the glass itself."""


_SECTION = "http://terminology.hl7.org/CodeSystem/v2-0074"
_LYMPH_NODES = (
    "59441001",  # Lymph node: CID 8134, as those below
    "68171009",  # Axillary
    "16051009",  # Apical axillary
    "283001",  # Central axillary
    "33770006",  # Lateral axillary
    "69691007",  # Pectoral axillary
    "12196003",  # Subscapular axillary
    "443808008",  # Intramammary
)
_BREAST_SPECIMENS = (
    "127457009",  # Tissue specimen from breast: CID 4014
    "122737001",  # Obtained by core needle biopsy: CID 8103, as those below
    "122738006",  # Stereotactically guided core needle biopsy
    "122739003",  # Incisional biopsy of breast mass
    "373102004",  # Image guided core biopsy
    "397199005",  # Excision
    "122595009",  # Total mastectomy
)
_SNOMED: Mapping[str, SlideMeaning] = {
    "117617002": SlideMeaning.IHC,  # Immunohistochemistry: CID 8131
    "255800009": SlideMeaning.OTHER_STAIN,  # Immunofluorescent stain: CID 8112
    "433466003": SlideMeaning.SLIDE,  # Microscope slide: CID 8101
    "1179252003": SlideMeaning.SLIDE,  # Slide: CID 8103
    **dict.fromkeys(snomed.BREAST_SITES, SlideMeaning.BREAST),
    **dict.fromkeys(_BREAST_SPECIMENS, SlideMeaning.BREAST),
    **dict.fromkeys(_LYMPH_NODES, SlideMeaning.LYMPH_NODE),
}
MEANINGS: Mapping[tuple[str, str], SlideMeaning] = {
    (_SECTION, "SP"): SlideMeaning.ORDER,  # 0074: Surgical pathology
    (_SECTION, "PAT"): SlideMeaning.ORDER,  # 0074: Pathology (gross and histopathology, not surgical)
    (loinc.SYSTEM, "11529-5"): SlideMeaning.ORDER,  # Surgical pathology study
    (loinc.SYSTEM, "60568-3"): SlideMeaning.ORDER,  # Pathology Synoptic report
    (loinc.SYSTEM, "22637-3"): SlideMeaning.ORDER,  # Pathology report final diagnosis Narrative
    **{(snomed.SYSTEM, code): meaning for code, meaning in _SNOMED.items()},
    **{(SYSTEM, meaning.value): meaning for meaning in SlideMeaning},
}
"""(system, code) -> what it says."""
HAEMATOXYLIN = frozenset({(snomed.SYSTEM, "12710003")})  # Hematoxylin stain: CID 8112
EOSINS = frozenset(
    (snomed.SYSTEM, code)
    for code in (
        "36879007",  # Water soluble eosin stain: CID 8112
        "83600004",  # Spirit soluble eosin stain: CID 8112
        "1346008",  # Blue shade eosin stain: CID 8112
    )
)
