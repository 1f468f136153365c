"""mCODE-shaped FHIR resources of simulated patients: what an EHR sends about receptors, stage, blood and therapy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.codes import atc, hl7_terminology, icd10, local, loinc, snomed, ucum
from shared.domain.coding import Coding
from shared.domain.identity import Side

Resource = dict[str, Any]

LABORATORY = "http://laboratory.example.org/codes"
IFN_ALPHA = Coding(LABORATORY, "IFNA", "Interferon alpha, serum, pg/mL")
"""The demonstration laboratory's own code: no LOINC code for the mass concentration of interferon alpha was found."""
TAMOXIFEN = Coding(atc.SYSTEM, "L02BA01", "tamoxifen")
PNEUMONIA = Coding(icd10.SYSTEM_WHO, "J18.9", "Pneumonia, unspecified")
RHEUMATOID_ARTHRITIS = Coding(icd10.SYSTEM_WHO, "M06.9", "Rheumatoid arthritis, unspecified")


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
        cancer = snomed.code(code, "Primary malignant neoplasm of female left breast")
        return self._condition("condition", cancer) | {"meta": {"profile": [hl7_terminology.MCODE_PRIMARY_CANCER]}}

    def lung_metastasis(self, onset: str) -> Resource:
        """Return a known metastasis of the lung, as mCODE writes a secondary cancer; ``onset`` is a day."""
        found = self._condition("lung-metastasis", snomed.LUNG_METASTASIS)
        return found | {"meta": {"profile": [hl7_terminology.MCODE_SECONDARY_CANCER]}, "onsetDateTime": onset}

    def infection(self, onset: str) -> Resource:
        """Return pneumonia, not yet over."""
        return self._condition("infection", PNEUMONIA) | {"onsetDateTime": onset}

    def rheumatic_disease(self, onset: str) -> Resource:
        """Return rheumatoid arthritis."""
        return self._condition("rheumatic", RHEUMATOID_ARTHRITIS) | {"onsetDateTime": onset}

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

    def hscrp(self, value: str, collected: str, draw: str = "") -> Resource:
        """Return high sensitivity CRP in mg/L; ``collected``: date or dateTime, ``draw`` tells several draws apart."""
        return self._measured("hscrp", loinc.HSCRP[0], (value, ucum.MILLIGRAM_PER_LITRE), collected, draw)

    def il6(self, value: str, collected: str, draw: str = "") -> Resource:
        """Return interleukin 6 in pg/mL."""
        return self._measured("il6", loinc.IL6[0], (value, ucum.PICOGRAM_PER_MILLILITRE), collected, draw)

    def ifn_alpha(self, value: str, collected: str, draw: str = "") -> Resource:
        """Return interferon alpha in pg/mL, under the demonstration laboratory's own code."""
        return self._measured("ifna", IFN_ALPHA, (value, ucum.PICOGRAM_PER_MILLILITRE), collected, draw)

    def tnf_alpha(self, value: str, collected: str, draw: str = "") -> Resource:
        """Return tumour necrosis factor alpha in pg/mL."""
        return self._measured("tnfa", loinc.TNF_ALPHA[0], (value, ucum.PICOGRAM_PER_MILLILITRE), collected, draw)

    def panel(self, values: tuple[str, str, str, str], collected: str, draw: str = "") -> tuple[Resource, ...]:
        """Return one draw: hsCRP, IL-6, interferon alpha, TNF-alpha."""
        kinds = (self.hscrp, self.il6, self.ifn_alpha, self.tnf_alpha)
        return tuple(kind(value, collected, draw) for kind, value in zip(kinds, values, strict=True))

    def endocrine_therapy(self, start: str, end: str = "") -> Resource:
        """Return adjuvant tamoxifen that is (or was, until ``end``) taken."""
        intent = {
            "url": hl7_terminology.MCODE_TREATMENT_INTENT,
            "valueCodeableConcept": _concept(snomed.ADJUVANT_INTENT),
        }
        return {
            "resourceType": "MedicationStatement", "id": f"tamoxifen-{self.identifier.lower()}",
            "status": "completed" if end else "active", "extension": [intent], "subject": self._subject(),
            "medicationCodeableConcept": _concept(TAMOXIFEN),
            "effectivePeriod": {"start": start} | ({"end": end} if end else {}),
        }  # fmt: skip

    def endocrine_received(self, answer: bool, date: str) -> Resource:  # noqa: FBT001
        """Return the explicit statement whether endocrine therapy was received."""
        asked = self._observed("endocrine", local.ENDOCRINE_RECEIVED, date)
        return asked | {"valueBoolean": answer}

    def _condition(self, kind: str, code: Coding) -> Resource:
        return {
            "resourceType": "Condition", "id": f"{kind}-{self.identifier.lower()}",
            "subject": self._subject(), "code": _concept(code),
            "clinicalStatus": _concept(Coding(hl7_terminology.CONDITION_CLINICAL, "active")),
            "verificationStatus": _concept(Coding(hl7_terminology.CONDITION_VERIFICATION, "confirmed")),
        }  # fmt: skip

    def _observation(self, kind: str, code: Coding, value: Coding, date: str) -> Resource:
        focus = {"reference": f"Condition/condition-{self.identifier.lower()}"}
        return self._observed(kind, code, date) | {"focus": [focus], "valueCodeableConcept": _concept(value)}

    def _measured(self, kind: str, code: Coding, value: tuple[str, str], collected: str, draw: str) -> Resource:
        number, unit = value
        stated = {
            "value": float(number) if "." in number else int(number),
            "unit": unit,
            "system": ucum.SYSTEM,
            "code": unit,
        }
        return self._observed(f"{kind}-{draw}" if draw else kind, code, collected) | {"valueQuantity": stated}

    def _observed(self, kind: str, code: Coding, date: str) -> Resource:
        return {
            "resourceType": "Observation", "id": f"{kind}-{self.identifier.lower()}", "status": "final",
            "code": _concept(code), "subject": self._subject(), "effectiveDateTime": date,
        }  # fmt: skip

    def _subject(self) -> Resource:
        return {"reference": f"Patient/{self.patient_id}"}


def _category(category: str) -> Coding:
    code = next(code for code, value in snomed.TNM_VALUES.items() if value == ("c", category))
    return snomed.code(code, f"American Joint Committee on Cancer c{category}")


def _concept(coding: Coding) -> Resource:
    shown = {"display": coding.display} if coding.display else {}
    return {"coding": [{"system": coding.system, "code": coding.code} | shown]}
