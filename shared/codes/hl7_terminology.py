"""Codes of HL7's own code systems that steer reading (terminology.hl7.org)."""

from __future__ import annotations

from shared.domain.coding import Coding

# HL7 AI Transparency on FHIR 1.0.0; the code is in THO's v3 ObservationValue, not in the frozen R4 package.
AI_ASSERTED = Coding(
    "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "AIAST", "Artificial Intelligence asserted"
)

DATA_ABSENT_REASON = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
IDENTIFIER_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
NULL_FLAVOR = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
NO_VALUE_SYSTEMS = frozenset({DATA_ABSENT_REASON, NULL_FLAVOR})
"""Systems whose codes say that, and why, there is no value (mCODE's examples put them into ``value[x]``)."""

YES = Coding("http://terminology.hl7.org/CodeSystem/v2-0136", "Y", "Yes")
NO = Coding("http://terminology.hl7.org/CodeSystem/v2-0136", "N", "No")

CONDITION_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
CONDITION_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
NOT_A_CONDITION = frozenset({"entered-in-error", "refuted"})
"""``Condition.verificationStatus``: the condition is not there."""
NOT_CONFIRMED = frozenset({"unconfirmed", "provisional", "differential"})
"""``Condition.verificationStatus``: the condition is suspected."""
OVER = frozenset({"inactive", "remission", "resolved"})
"""``Condition.clinicalStatus``: there is no evidence of it any more; ``resolved`` is below ``inactive``."""
RESOLVED = "resolved"

MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"
MCODE_MEDICATIONS = frozenset(
    MCODE + f"mcode-cancer-related-medication-{kind}" for kind in ("request", "administration", "statement")
)
MCODE_SURGERY = MCODE + "mcode-cancer-related-surgical-procedure"
MCODE_RADIOTHERAPY = MCODE + "mcode-radiotherapy-course-summary"
MCODE_LATERALITY = MCODE + "mcode-laterality-qualifier"
MCODE_PRIMARY_CANCER = MCODE + "mcode-primary-cancer-condition"
MCODE_SECONDARY_CANCER = MCODE + "mcode-secondary-cancer-condition"
MCODE_TREATMENT_INTENT = MCODE + "mcode-procedure-intent"
