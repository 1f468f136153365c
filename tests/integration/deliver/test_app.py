"""The whole process side by side: one worker per sink, against real peers, with the ledger in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.results.config import Settings, SinkSettings
from services.results.deliver.app import build
from shared.domain.errors import InvalidInputError
from shared.testing.fhir_server import FhirServer
from shared.testing.orthanc import start_orthanc
from shared.testing.ports import free_port, wait_until
from tests.findings import MADE
from tests.integration.deliver.conftest import PACS_TITLE, Patient
from tests.memory_deliveries import MemoryDeliveries

pytestmark = pytest.mark.integration


def quick(**fields: Any) -> SinkSettings:
    """Return a sink that does not wait long."""
    waits = {"first_retry_s": 0.1, "longest_retry_s": 0.3, "max_tries": 100, "timeout_s": 2.0}
    return SinkSettings.model_validate(waits | fields)


def test_a_pacs_that_is_down_delays_nobody_else_and_gets_it_later(
    tmp_path: Path, settings: Settings, ehr: FhirServer, patient: Patient
) -> None:
    port = free_port()
    sinks = [
        quick(name="pacs", kind="dicom-cstore", port=port, ae_title=PACS_TITLE),
        quick(name="ehr", kind="fhir", url=ehr.url),
        SinkSettings(name="folder", kind="folder", folder=tmp_path / "out"),
    ]
    ehr.put(patient.resource())
    finding = patient.of(patient.findings.prediction())
    deliveries = MemoryDeliveries()
    rows = {row.name: deliveries.owe(finding, MADE, row.name) for row in sinks}
    app = build(settings.model_copy(update={"sinks": tuple(sinks)}), deliveries)
    app.start()
    try:
        wait_until(lambda: rows["ehr"].state == rows["folder"].state == "delivered", "EHR and folder")
        wait_until(lambda: len(rows["pacs"].outages) >= 2, "two failures of the PACS")
        assert "cannot be reached" in rows["pacs"].outages[0].reason
        with start_orthanc(tmp_path / "pacs", ae_title=PACS_TITLE, dicom_port=port) as pacs:
            wait_until(lambda: rows["pacs"].state == "delivered", "the PACS")
            assert len(pacs.find("Instance", Modality="SR")) == 1
    finally:
        assert app.stop()


@pytest.mark.parametrize(
    ("sink", "element"),
    [
        (SinkSettings(name="x", kind="folder"), "sinks.x.folder"),
        (SinkSettings(name="x", kind="fhir"), "sinks.x.url"),
        (SinkSettings(name="x", kind="dicom-stow"), "sinks.x.url"),
        (SinkSettings(name="x", kind="dicom-cstore"), "sinks.x.ae_title"),
    ],
)
def test_a_sink_that_lacks_what_it_needs_is_refused_at_the_start(
    settings: Settings, sink: SinkSettings, element: str
) -> None:
    with pytest.raises(InvalidInputError, match=element):
        build(settings.model_copy(update={"sinks": (sink,)}), MemoryDeliveries())
