"""Facts: coded statements about a patient or one tumour, with time, status, source and version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from shared.domain.coding import Coding
from shared.domain.identity import Demographics, PatientIdentity, Side

UNKNOWN_MEDICATION = "unknown_medication"
UNCLASSIFIED_MEDICATION = "unclassified_medication"
"""Values of ``FactName.THERAPY`` that may or may not be a cancer therapy, see there."""


class FactName(StrEnum):
    """What a fact is about. Values are normalised tokens; the received code stays beside them."""

    ESTROGEN_RECEPTOR = "estrogen_receptor"
    """positive | negative | equivocal"""
    ESTROGEN_RECEPTOR_PERCENT = "estrogen_receptor_percent"
    """quantity, percent of stained nuclei"""
    PROGESTERONE_RECEPTOR = "progesterone_receptor"
    PROGESTERONE_RECEPTOR_PERCENT = "progesterone_receptor_percent"
    HER2_INTERPRETATION = "her2_interpretation"
    """positive | low | negative | equivocal"""
    HER2_IHC_SCORE = "her2_ihc_score"
    """0 | 1+ | 2+ | 3+ | indeterminate"""
    HER2_ISH = "her2_ish"
    """positive | negative | equivocal (in situ hybridisation)"""
    CLINICAL_T = "clinical_t"
    """T0 | Tis | T1 | T2 | T3 | T4 | TX"""
    CLINICAL_N = "clinical_n"
    """N0 | N1 | N2 | N3 | NX"""
    CLINICAL_M = "clinical_m"
    PATHOLOGICAL_T = "pathological_t"
    PATHOLOGICAL_N = "pathological_n"
    PATHOLOGICAL_M = "pathological_m"
    THERAPY = "therapy"
    """chemotherapy | endocrine | her2 | radiotherapy | surgery | other | unknown_medication | unclassified_medication;
    effective = start; status preliminary: ordered, and nothing says that it was given or taken.

    unknown_medication: a medication is on record and which one cannot be read (the Medication it refers to is not
    here); the fact is replaced when it comes. unclassified_medication: the medicine has no code that our tables know
    as cancer therapy and no cancer profile; almost always an everyday drug. Both stand among the therapies so that
    "no therapy on record" is never said of a record that was not understood, and so that a reader who does not know
    these two tokens errs on the safe side.
    """
    NEUTROPHILS = "neutrophils"
    """quantity, 10*3/uL"""
    HSCRP = "hscrp"
    """quantity, mg/L, high sensitivity method, serum or plasma"""
    IL6 = "il6"
    """quantity, pg/mL, mass concentration, serum or plasma"""
    IFN_ALPHA = "ifn_alpha"
    """quantity, pg/mL, mass concentration; never converted from arbitrary units"""
    TNF_ALPHA = "tnf_alpha"
    """quantity, pg/mL, mass concentration, serum or plasma"""
    ENDOCRINE_THERAPY_RECEIVED = "endocrine_therapy_received"
    """yes | no, stated as such (paper 002; a therapy on record is ``THERAPY`` = endocrine)"""
    LUNG_METASTASIS = "lung_metastasis"
    """present; effective = when it was known; status preliminary: suspected, not confirmed"""
    ACTIVE_INFECTION = "active_infection"
    """present; effective = onset, ``end_date`` = last day where the source says so; status as above"""
    RHEUMATIC_DISEASE = "rheumatic_disease"
    """present; effective = onset; status as above"""


class FactStatus(StrEnum):
    """Status of the source resource, folded to what a predictor must know."""

    PRELIMINARY = "preliminary"
    FINAL = "final"
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True)
class Tumour:
    """Which tumour a fact is about; at least one of the two is known."""

    condition: str = ""
    """Reference of the Condition, for example ``Condition/123``."""
    side: Side | None = None

    def __post_init__(self) -> None:
        if not self.condition and self.side is None:
            raise ValueError("a tumour needs a Condition or a side")


@dataclass(frozen=True, slots=True)
class Fact:
    """One statement. ``fact_id`` is stable over versions of its source; ``version`` tells them apart."""

    fact_id: str
    name: FactName
    value: str
    """Normalised token, see ``FactName``; for quantities the decimal in its canonical unit."""
    unit: str
    """UCUM unit of ``value``; empty for coded values."""
    coding: Coding | None
    """The value as received."""
    effective_date: date
    """Clinically relevant date (Observation.effective[x], start of a therapy)."""
    recorded_time: datetime
    """When this version reached us."""
    status: FactStatus
    source: str
    """``ResourceType/id`` on the server it came from."""
    version: str
    """``meta.versionId``, or a digest of the content where there is none."""
    tumour: Tumour | None = None
    comparator: str = ""
    """``<``, ``<=``, ``>=`` or ``>`` where the laboratory gives a limit: the value is censored, never a number."""
    collected_time: datetime | None = None
    """When the specimen was taken, where the source says so to the minute; ``effective_date`` is its date."""
    reference_low: str = ""
    """Lower end of the laboratory's reference range in ``unit``; empty where it gives none."""
    reference_high: str = ""
    """Upper end of the laboratory's reference range in ``unit``; empty where it gives none."""
    intent: str = ""
    """Of a therapy: neoadjuvant | adjuvant | curative | palliative | preventive; empty: not stated."""
    end_date: date | None = None
    """Last day of a therapy or an infection, where the source says so."""


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """Everything known about one patient as of one moment."""

    identity: PatientIdentity
    as_of: datetime
    demographics: Demographics
    patient_reference: str
    """``Patient/id`` on the EHR's server; empty where no Patient was received."""
    tumours: tuple[Tumour, ...]
    """The primary breast cancers on record (one per Condition)."""
    facts: tuple[Fact, ...]

    def named(self, *names: FactName) -> tuple[Fact, ...]:
        """Return the facts of these names, newest effective date last (ties: recorded time)."""
        chosen = [fact for fact in self.facts if fact.name in names]
        return tuple(sorted(chosen, key=lambda fact: (fact.effective_date, fact.recorded_time)))
