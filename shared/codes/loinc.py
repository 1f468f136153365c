"""LOINC codes that facts are read from: what an Observation asks, and what it may answer.

Sources, where none stands behind the code: HL7 FHIR mCODE 4.0.0 (``VS_Genomics``, ``VS_Staging_TNM``, the extended
example), HL7 us-breastcancer, the Medizininformatik-Initiative's oncology value sets and Synthea's breast cancer
modules; each code was seen in at least one of them. LOINC is a registered trademark of Regenstrief Institute.
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.domain.coding import Coding

SYSTEM = "http://loinc.org"


def has_check_digit(value: str) -> bool:
    """Tell whether a code ends in its check digit (LOINC Users' Guide: mod 10; letters count by their place in ASCII).

    What has not the form of a code has none.
    """
    text, _, check = value.partition("-")
    if not text.isascii() or not text.isalnum() or check not in tuple("0123456789"):
        return False
    values = [ord(character) - ord("0") for character in reversed(text)]
    weights = [2 * value - value // 5 * 9 if place % 2 == 0 else value for place, value in enumerate(values)]
    return -sum(weights) % 10 == int(check)


def code(value: str, display: str) -> Coding:
    """Return the coding of one LOINC term or answer."""
    return Coding(SYSTEM, value, display)


PATHOLOGY_SYNOPTIC_REPORT = code("60568-3", "Pathology Synoptic report")
"""OBR-4 of a pathology report (NAACCR Volume V). Not a receptor."""
ER_STATUS = (
    code("16112-5", "Estrogen receptor [Interpretation] in Tissue"),
    code("85337-4", "Estrogen receptor Ag [Presence] in Breast cancer specimen by Immune stain"),
    code("40556-3", "Estrogen receptor Ag [Presence] in Tissue by Immune stain"),
)
ER_PERCENT = (
    code("85329-1", "Cells.estrogen receptor/100 cells in Breast cancer specimen by Immune stain"),
    code("14228-1", "Cells.estrogen receptor/100 cells in Tissue by Immune stain"),
)
PR_STATUS = (
    code("16113-3", "Progesterone receptor [Interpretation] in Tissue"),
    code("85339-0", "Progesterone receptor Ag [Presence] in Breast cancer specimen by Immune stain"),
    code("40557-1", "Progesterone receptor Ag [Presence] in Tissue by Immune stain"),
)
PR_PERCENT = (
    code("85325-9", "Cells.progesterone receptor/100 cells in Breast cancer specimen by Immune stain"),
    code("14230-7", "Cells.progesterone receptor/100 cells in Tissue by Immune stain"),
)
HER2_STATUS = (
    code("48676-1", "HER2 [Interpretation] in Tissue"),
    code("85319-2", "HER2 [Presence] in Breast cancer specimen by Immune stain"),
    code("18474-7", "HER2 Ag [Presence] in Tissue by Immune stain"),
)
HER2_ISH = (
    code("85318-4", "HER2 [Presence] in Breast cancer specimen by FISH"),
    code("31150-6", "HER2 [Presence] in Tissue by FISH"),
)
NEUTROPHILS = (
    code("26499-4", "Neutrophils [#/volume] in Blood"),
    code("751-8", "Neutrophils [#/volume] in Blood by Automated count"),
)
HSCRP = (
    code("30522-7", "C reactive protein [Mass/volume] in Serum or Plasma by High sensitivity method"),  # MercyOne
    code("71426-1", "C reactive protein [Mass/volume] in Blood by High sensitivity method"),  # healthassure
)
IL6 = (code("26881-3", "Interleukin 6 [Mass/volume] in Serum or Plasma"),)  # Northwell test 1774; OHDSI 3023091
TNF_ALPHA = (code("3074-2", "Tumor necrosis factor.alpha [Mass/volume] in Serum or Plasma"),)  # Mayo TNFA, ARUP

# Deprecated in favour of SNOMED CT since mCODE STU3, still sent (mCODE TNM...StagingTypeMaxVS; Synthea).
CLINICAL_T = code("21905-5", "Primary tumor.clinical [Class] Cancer")
CLINICAL_N = code("21906-3", "Regional lymph nodes.clinical [Class] Cancer")
CLINICAL_M = code("21907-1", "Distant metastases.clinical [Class] Cancer")
PATHOLOGICAL_T = code("21899-0", "Primary tumor.pathology Cancer")
PATHOLOGICAL_N = code("21900-6", "Regional lymph nodes.pathology [Class] Cancer")
PATHOLOGICAL_M = code("21901-4", "Distant metastases.pathology [Class] Cancer")

POSITIVE = code("LA6576-8", "Positive")  # mCODE example
NEGATIVE = code("LA6577-6", "Negative")  # mCODE example

HER2_IHC_SCORES: Mapping[str, str] = {
    "LA6111-4": "0",
    "LA11841-6": "1+",
    "LA11842-4": "2+",
    "LA11843-2": "3+",
    "LA11884-6": "indeterminate",
}
"""Answer list LL4396-9, HER2 immunohistochemistry score (MII ``mii-vs-onko-mamma-her2neu-ihc-score``)."""
