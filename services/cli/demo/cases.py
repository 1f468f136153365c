"""The cases of the demonstration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pydicom.dataset import Dataset

from services.cli.demo.site import FHIR_SYSTEM, ISSUER
from services.cli.demo.slides import drop
from services.cli.demo.surroundings import Ehr, Pacs
from shared.bundles.catalog import installed_catalog
from shared.phantoms.blob import blob_volume
from shared.phantoms.mcode import SimulatedPatient
from shared.phantoms.modules import PatientAttributes
from shared.phantoms.mr_series import StudyAttributes, VolumeGeometry, mr_series
from shared.predictors.her2 import scale

FACTS_DATE = "2026-01-10"
STUDY_DATE = date(2026, 1, 20)
BIRTH_DATE = date(1970, 5, 17)


@dataclass(frozen=True, slots=True)
class DemoCase:
    """One patient, one study or one draw, and what is expected of it."""

    number: int
    title: str
    expected_state: str
    predictor: str = "ln_pcr"

    @property
    def patient(self) -> SimulatedPatient:
        """Return the patient as the EHR has her."""
        return SimulatedPatient(f"DEMO-{self.number}", FHIR_SYSTEM, BIRTH_DATE.isoformat())

    @property
    def study_seed(self) -> str:
        """Return the seed of the study's UIDs."""
        return f"demonstration {self.number}"

    def images(self, *, birth_date: date = BIRTH_DATE) -> tuple[Dataset, ...]:
        """Return the MR series, as the modality made it."""
        attributes = PatientAttributes(
            f"DEMO-{self.number}", ISSUER, f"SIMULATED^DEMONSTRATION {self.number}", birth_date
        )
        study = replace(StudyAttributes(), seed=self.study_seed, study_date=STUDY_DATE, study_id=str(self.number))
        return mr_series(blob_volume(seed=self.number), VolumeGeometry(1.0, 1.0, 2.0), attributes, study)


COMPLETE = DemoCase(1, "complete: scored and delivered", "predicted")
LATE_RECEPTOR = DemoCase(2, "receptor missing, then it arrives: not analysed, then superseded", "predicted")
SENT_TWICE = DemoCase(3, "the same study sent twice: one case", "predicted")
CONFLICT = DemoCase(4, "birth date differs between images and record: nothing leaves", "failed")
NOT_NODE_POSITIVE = DemoCase(5, "not node-positive: not analysed, delivered with its reason", "not_analysed")
LABORATORY = DemoCase(
    6, "laboratory values of one draw: risk of lung metastasis, no images", "predicted", "lung_metastasis"
)
SLIDE = DemoCase(7, "an H&E slide in the scanner's folder: HER2, preliminary, to the LIS", "predicted", "her2")

ALL = (COMPLETE, LATE_RECEPTOR, SENT_TWICE, CONFLICT, NOT_NODE_POSITIVE, LABORATORY, SLIDE)


def answered() -> tuple[DemoCase, ...]:
    """Return the cases for which this installation has a bundle: the slide's needs one of ``her2``."""
    slides = installed_catalog().for_variant(scale.NAME, scale.VARIANT)
    return ALL if slides else tuple(case for case in ALL if case is not SLIDE)


DRAW = ("12", "9", "2.1", "1.2")
"""hsCRP in mg/L; IL-6, IFN-alpha, TNF-alpha in pg/mL."""
DRAWN_DAYS_AGO = 2
"""Values of weeks ago would be history, and open no case."""

Wait = Callable[[DemoCase, str], None]
"""Wait until the case is in this state with everything delivered."""


def play(pacs: Pacs, ehr: Ehr, scanner: Path, wait: Wait) -> None:
    """Take all cases through, as PACS, EHR and the slide scanner (with its folder) would."""
    cases = answered()
    if SLIDE in cases:
        ehr.record(SLIDE.patient.patient())
        drop(scanner, f"DEMO-{SLIDE.number}", ISSUER, BIRTH_DATE.isoformat())
    _draw(ehr, LABORATORY)
    _record(ehr, COMPLETE, n="N1")
    pacs.route(COMPLETE.images())
    _record(ehr, SENT_TWICE, er="negative", her2="3+", n="N2")
    pacs.route(SENT_TWICE.images())
    _record(ehr, CONFLICT)
    pacs.route(CONFLICT.images(birth_date=date(1971, 5, 17)))
    _record(ehr, NOT_NODE_POSITIVE, n="N0")
    pacs.route(NOT_NODE_POSITIVE.images())
    _record(ehr, LATE_RECEPTOR, her2="")
    pacs.route(LATE_RECEPTOR.images())
    wait(SENT_TWICE, "predicted")
    pacs.route(SENT_TWICE.images())
    wait(LATE_RECEPTOR, "not_analysed")
    ehr.record(LATE_RECEPTOR.patient.her2("1+", FACTS_DATE))
    for case in cases:
        wait(case, case.expected_state)


def _record(ehr: Ehr, case: DemoCase, er: str = "positive", her2: str = "1+", t: str = "T2", n: str = "N1") -> None:
    patient = case.patient
    ehr.record(patient.patient(), patient.condition())
    ehr.record(
        patient.estrogen_receptor(er, FACTS_DATE), patient.clinical_t(t, FACTS_DATE), patient.clinical_n(n, FACTS_DATE)
    )
    if her2:
        ehr.record(patient.her2(her2, FACTS_DATE))


def _draw(ehr: Ehr, case: DemoCase) -> None:
    patient, drawn = case.patient, datetime.now(UTC).date() - timedelta(days=DRAWN_DAYS_AGO)
    ehr.record(patient.patient(), patient.condition(), patient.endocrine_therapy(FACTS_DATE))
    ehr.record(*patient.panel(DRAW, drawn.isoformat()))
