"""ICD-10 codes of primary breast cancer, with the side the American modification names.

Source: mCODE 4.0.0 ``VS_CancerCondition.fsh`` lists every ICD-10-CM code of C50. The classification is a hierarchy by
construction: whatever starts with C50 is a malignant neoplasm of breast, and in ICD-10-CM the sixth character of
C50.xyz is the side (1 right, 2 left, 9 unspecified). D05 (carcinoma in situ) and C79.81 (secondary) are not C50.
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
