"""What ``oncorelay doctor`` says of the FHIR server that facts are asked from."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.cli.doctor_fhir import fhir_server as looked_at
from services.lab_consumer.config import FhirServerSettings
from shared.domain.errors import UnavailableError
from shared.testing import fhir_server
from shared.testing.fhir_server import start_fhir_server
from shared.testing.ports import free_port

pytestmark = pytest.mark.integration


@pytest.mark.skipif(not fhir_server.installed(), reason="no Node: apt-get install nodejs npm")
def test_a_server_that_answers_is_well_and_what_it_does_not_offer_is_named(tmp_path: Path) -> None:
    with start_fhir_server(tmp_path) as server:
        said = looked_at(FhirServerSettings(url=server.url))

    assert said.startswith(f"FHIR 4.0.1 at {server.url}, searches are answered; it does not say that it offers")
    assert "MedicationStatement" in said


def test_a_server_that_is_away_is_told() -> None:
    with pytest.raises(UnavailableError, match="cannot be asked"):
        looked_at(FhirServerSettings(url=f"http://127.0.0.1:{free_port()}/fhir"))
