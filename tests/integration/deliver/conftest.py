"""Orthanc and the FHIR server once per session; sinks and patients of its own for every test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from services.results.config import Settings, SinkSettings
from services.results.deliver.adapters.sinks import build_sink
from services.results.deliver.ports import Sink
from services.results.ledger.findings import Finding
from shared.domain.identity import PatientIdentity
from shared.storage.blobs import LocalBlobs
from shared.testing import fhir_server, orthanc
from shared.testing.fhir_server import FhirServer, start_fhir_server
from shared.testing.orthanc import Modality, Orthanc, start_orthanc
from shared.testing.ports import free_port
from tests.findings import Findings, encoded

FHIR_SYSTEM = "urn:hospital:patients"
PACS_TITLE, OUR_TITLE = "PACS", "ONCORELAY"
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Pacs:
    """A running Orthanc, and the port where it reports storage commitment."""

    orthanc: Orthanc
    commitment_port: int

    def sink(self, **settings: Any) -> SinkSettings:
        ours = {"name": "pacs", "kind": "dicom-cstore", "port": self.orthanc.dicom_port, "ae_title": PACS_TITLE}
        return SinkSettings.model_validate({**ours, "timeout_s": 5, **settings})

    def srs(self, study_uid: str) -> list[bytes]:
        rows = self.orthanc.find("Instance", Modality="SR", StudyInstanceUID=study_uid)
        return [self.orthanc.dicom(row) for row in rows]


@dataclass
class Patient:
    """One patient with findings; study and identifier are hers alone."""

    findings: Findings
    number: int = field(default_factory=lambda: next(_NUMBERS))

    @property
    def fhir_id(self) -> str:
        return f"p{self.number}"

    @property
    def identifier(self) -> str:
        return f"PAT-{self.number:06}"

    def of(self, finding: Finding) -> Finding:
        """Return the finding as one about this patient; her images go into the blob store."""
        uid = f"{finding.study.study_instance_uid}.{self.number}"
        data = dcmread(self.findings.blobs.path(finding.study.instances[0].blob_uri))
        data.PatientID, data.StudyInstanceUID = self.identifier, uid
        data.SOPInstanceUID = f"{data.SOPInstanceUID}.{self.number}"
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        uri, _ = self.findings.blobs.put(encoded(data))
        image = replace(finding.study.instances[0], sop_instance_uid=data.SOPInstanceUID, blob_uri=uri)
        identity = PatientIdentity("hospital", self.identifier)
        study = replace(finding.study, study_instance_uid=uid, instances=(image,), identity=identity)
        pins = replace(finding.pins, instances=()) if finding.pins else None
        case = f"case-{self.number}"
        return replace(finding, case_id=case, identity=identity, study=study, pins=pins,
                       result_key=f"{self.number:08x}{finding.result_key[8:]}")  # fmt: skip

    def resource(self, **fields: Any) -> dict[str, Any]:
        return {
            "resourceType": "Patient", "id": self.fhir_id, "birthDate": "1971-04-05", "gender": "female",
            "identifier": [{"system": FHIR_SYSTEM, "value": self.identifier}], **fields,
        }  # fmt: skip

    def observation(self, key: str) -> dict[str, Any]:
        subject = {"reference": f"Patient/{self.fhir_id}"}
        return {"resourceType": "Observation", "id": key, "status": "final", "code": {"text": key}, "subject": subject}


@pytest.fixture(scope="session")
def pacs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pacs]:
    if not orthanc.installed():
        pytest.skip("Orthanc is not installed (Debian: orthanc, orthanc-dicomweb)")
    port = free_port()
    us = {"us": Modality(OUR_TITLE, port)}
    with start_orthanc(tmp_path_factory.mktemp("pacs"), ae_title=PACS_TITLE, modalities=us) as running:
        yield Pacs(running, port)


@pytest.fixture(scope="session")
def ehr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FhirServer]:
    if not fhir_server.installed():
        pytest.skip("Node and npm are not installed (Debian: nodejs, npm)")
    with start_fhir_server(tmp_path_factory.mktemp("ehr")) as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    identity = [{"name": "hospital", "fhir_system": FHIR_SYSTEM}]
    return Settings.model_validate({"site": {"data_folder": tmp_path}, "identity": identity})


@pytest.fixture
def patient(settings: Settings) -> Patient:
    return Patient(Findings(LocalBlobs(settings.site.blob_folder)))


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def to_ehr(settings: Settings, ehr: FhirServer, opened: ExitStack) -> Sink:
    return build_sink(settings, SinkSettings(name="ehr", kind="fhir", url=ehr.url), opened)
