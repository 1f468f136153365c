"""Simulated patients for tests of the whole system; nobody shares one."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from pydicom.dataset import Dataset

from shared.phantoms.blob import blob_volume
from shared.phantoms.mcode import SimulatedPatient
from shared.phantoms.modules import PatientAttributes, derived_uid
from shared.phantoms.mr_series import StudyAttributes, VolumeGeometry, mr_series
from shared.testing import fhir_server, orthanc
from tests.system import FHIR_SYSTEM, ISSUER

BIRTH_DATE = date(1970, 5, 17)
FACTS_DATE = "2026-01-10"
STUDY_DATE = date(2026, 1, 20)
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Someone:
    """One patient in PACS and EHR."""

    number: int

    @property
    def identifier(self) -> str:
        return f"SIM-{self.number}"

    @property
    def ehr(self) -> SimulatedPatient:
        return SimulatedPatient(self.identifier, FHIR_SYSTEM, BIRTH_DATE.isoformat())

    @property
    def study_uid(self) -> str:
        return derived_uid(self.identifier)

    def images(self, *, birth_date: date = BIRTH_DATE, slices: int = 4, **study: Any) -> tuple[Dataset, ...]:
        attributes = PatientAttributes(self.identifier, ISSUER, "SIMULATED^PATIENT", birth_date)
        geometry = VolumeGeometry(1.0, 1.0, 2.0)
        described = StudyAttributes(seed=self.identifier, study_date=study.pop("study_date", STUDY_DATE), **study)
        return mr_series(blob_volume((slices, 32, 32), seed=self.number), geometry, attributes, described)

    def facts(self, *, er: str = "positive", her2: str = "1+", t: str = "T2", n: str = "N1") -> list[dict[str, Any]]:
        rows = [
            self.ehr.patient(),
            self.ehr.condition(),
            self.ehr.estrogen_receptor(er, FACTS_DATE),
            self.ehr.clinical_t(t, FACTS_DATE),
            self.ehr.clinical_n(n, FACTS_DATE),
        ]
        return [*rows, self.ehr.her2(her2, FACTS_DATE)] if her2 else rows


def a_patient() -> Someone:
    """Return somebody new."""
    return Someone(next(_NUMBERS))


def require_peers() -> None:
    """Skip where Orthanc or the FHIR server is not installed."""
    if not orthanc.installed():
        pytest.skip("Orthanc is not installed: apt-get install orthanc orthanc-dicomweb")
    if not fhir_server.installed():
        pytest.skip("the FHIR server is not installed: npm ci --prefix tests/peers")
