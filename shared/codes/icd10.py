"""ICD-10 codes of primary breast cancer (with the side the American modification names) and of other diseases.

Source: mCODE 4.0.0 ``VS_CancerCondition.fsh`` lists every ICD-10-CM code of C50. The classification is a hierarchy by
construction: whatever starts with C50 is a malignant neoplasm of breast, and in ICD-10-CM the sixth character of
C50.xyz is the side (1 right, 2 left, 9 unspecified). D05 (carcinoma in situ) and C79.81 (secondary) are not C50.

Other diseases are whole blocks or categories of the tabular list (WHO, ICD-10 version 2019), whose national
modifications only divide them further.
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.domain.identity import Side

SYSTEM_CM = "http://hl7.org/fhir/sid/icd-10-cm"
SYSTEM_WHO = "http://hl7.org/fhir/sid/icd-10"
SYSTEMS = frozenset({SYSTEM_CM, SYSTEM_WHO, "http://fhir.de/CodeSystem/bfarm/icd-10-gm"})

BREAST_CANCER = "C50"
_SIDES: Mapping[str, Side] = {"1": Side.RIGHT, "2": Side.LEFT}
_LENGTH_WITH_SIDE = len("C50.911")


def is_breast_cancer(system: str, code: str) -> bool:
    """Tell whether the code is a primary malignant neoplasm of breast."""
    return system in SYSTEMS and code.split(".", maxsplit=1)[0] == BREAST_CANCER


def side(system: str, code: str) -> Side | None:
    """Return the side an ICD-10-CM code of C50 names; the other editions name none."""
    if system != SYSTEM_CM or len(code) != _LENGTH_WITH_SIDE:
        return None
    return _SIDES.get(code[-1])


LUNG_METASTASIS = ("C78.0",)
"""Secondary malignant neoplasm of lung; mCODE ``VS_CancerCondition`` lists C78.00 to C78.02."""

INFECTIONS = (
    "A00-B89",  # Certain infectious and parasitic diseases, without sequelae (B90-B94) and agents (B95-B98)
    "B99",  # Other and unspecified infectious diseases
    "J00-J06",  # Acute upper respiratory infections
    "J09-J18",  # Influenza and pneumonia
    "J20-J22",  # Other acute lower respiratory infections
    "L00-L08",  # Infections of the skin and subcutaneous tissue
    "N10",  # Acute tubulo-interstitial nephritis (pyelonephritis)
    "N39.0",  # Urinary tract infection, site not specified
)
"""Blocks of infections. Chronic ones (hepatitis, HIV) and trivial ones are among them: a model that was made for
patients without an infection is not asked to tell them apart."""

RHEUMATIC_DISEASES = (
    "I00-I02",  # Acute rheumatic fever
    "M05-M14",  # Inflammatory polyarthropathies
    "M30-M36",  # Systemic connective tissue disorders
    "M45",  # Ankylosing spondylitis
)

TOPOGRAPHY_SYSTEM = "http://terminology.hl7.org/CodeSystem/icd-o-3"
LUNG_TOPOGRAPHY = "C34"
"""ICD-O-3 topography: bronchus and lung, which mCODE allows as the body site of a secondary cancer."""


def is_among(system: str, code: str, blocks: tuple[str, ...]) -> bool:
    """Tell whether an ICD-10 code lies in one of ``blocks``: a range of categories, or one code and its parts."""
    if system not in SYSTEMS:
        return False
    return any(_within(code, *block.split("-")) for block in blocks)


def _within(code: str, first: str, last: str = "") -> bool:
    return first <= code[: len(first)] <= last if last else code.startswith(first)
