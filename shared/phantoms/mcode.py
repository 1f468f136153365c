"""mCODE-shaped FHIR resources of simulated patients: what an EHR sends about receptors, stage and therapy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.codes import hl7_terminology, loinc, snomed
from shared.domain.coding import Coding
from shared.domain.identity import Side

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SimulatedPatient:
    """One simulated patient of an EHR, with a cancer of the left breast."""

    identifier: str
    fhir_system: str
    birth_date: str

    @property
    def patient_id(self) -> str:
        """Return the id of the Patient resource."""
        return f"patient-{self.identifier.lower()}"

    def patient(self) -> Resource:
        """Return the Patient."""
        return {
            "resourceType": "Patient", "id": self.patient_id,
            "identifier": [{"system": self.fhir_system, "value": self.identifier}],
            "name": [{"family": "SIMULATED", "given": ["DEMONSTRATION"]}], "gender": "female",
            "birthDate": self.birth_date,
        }  # fmt: skip

    def condition(self) -> Resource:
        """Return the primary cancer of the left breast."""
        code = next(code for code, side in snomed.PRIMARY_BREAST_CANCERS.items() if side is Side.LEFT)
        clinical = Coding("http://terminology.hl7.org/CodeSystem/condition-clinical", "active")
        return {
            "resourceType": "Condition", "id": f"condition-{self.identifier.lower()}",
            "meta": {"profile": [hl7_terminology.MCODE_PRIMARY_CANCER]}, "subject": self._subject(),
            "code": _concept(snomed.code(code, "Primary malignant neoplasm of female left breast")),
            "clinicalStatus": _concept(clinical),
            "verificationStatus": _concept(Coding(hl7_terminology.CONDITION_VERIFICATION, "confirmed")),
        }  # fmt: skip

    def estrogen_receptor(self, value: str, date: str) -> Resource:
        """Return the oestrogen receptor status (positive, negative)."""
        answer = {"positive": loinc.POSITIVE, "negative": loinc.NEGATIVE}[value]
        return self._observation("er", loinc.ER_STATUS[1], answer, date)

    def her2(self, score: str, date: str) -> Resource:
        """Return the HER2 immunohistochemistry score (0, 1+, 2+, 3+)."""
        code = next(code for code, text in loinc.HER2_IHC_SCORES.items() if text == score)
        return self._observation("her2", loinc.HER2_STATUS[1], loinc.code(code, score), date)

    def clinical_t(self, category: str, date: str) -> Resource:
        """Return the clinical T category (T1 to T4)."""
        return self._observation("ct", snomed.CLINICAL_T, _category(category), date)

    def clinical_n(self, category: str, date: str) -> Resource:
        """Return the clinical N category (N0 to N3)."""
        return self._observation("cn", snomed.CLINICAL_N, _category(category), date)

    def _observation(self, kind: str, code: Coding, value: Coding, date: str) -> Resource:
        return {
            "resourceType": "Observation", "id": f"{kind}-{self.identifier.lower()}", "status": "final",
            "code": _concept(code), "subject": self._subject(),
            "focus": [{"reference": f"Condition/condition-{self.identifier.lower()}"}],
            "effectiveDateTime": date, "valueCodeableConcept": _concept(value),
        }  # fmt: skip

    def _subject(self) -> Resource:
        return {"reference": f"Patient/{self.patient_id}"}


def _category(category: str) -> Coding:
    code = next(code for code, value in snomed.TNM_VALUES.items() if value == ("c", category))
    return snomed.code(code, f"American Joint Committee on Cancer c{category}")


def _concept(coding: Coding) -> Resource:
    shown = {"display": coding.display} if coding.display else {}
    return {"coding": [{"system": coding.system, "code": coding.code} | shown]}
