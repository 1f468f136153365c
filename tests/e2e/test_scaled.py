"""The scaled set-up: PostgreSQL for the ledger, STOW-RS to the PACS, completeness asked from the sender by C-FIND."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.testing.postgresql import postgresql_folder, start_postgresql
from tests.patients import Someone, require_peers
from tests.system import System, start_system

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.fixture
def scaled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    require_peers()
    if postgresql_folder() is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with start_postgresql(tmp_path_factory.mktemp("postgresql")) as url:
        folder = tmp_path_factory.mktemp("scaled")
        with start_system(folder, with_peer=True, pacs_sink="dicom-stow", database_url=url) as running:
            yield running


def test_a_case_goes_through_and_a_correction_supersedes_it(scaled: System, someone: Someone) -> None:
    scaled.record(*someone.facts())
    scaled.route(someone.images())
    first = scaled.settled(someone.study_uid, "predicted")
    assert first.completeness.startswith("expected_count")
    assert {(d.sink, d.kind, d.state.value) for d in first.deliveries} == {
        ("pacs", "dicom-stow", "delivered"),
        ("ehr", "fhir", "delivered"),
    }

    scaled.record({**someone.ehr.estrogen_receptor("negative", "2026-01-10"), "status": "corrected"})
    second = scaled.settled(someone.study_uid, "predicted", findings=2)
    assert [f.currency.value for f in second.findings] == ["superseded", "current"]
    assert len(scaled.pacs.find("Instance", Modality="SR", PatientID=someone.identifier)) == 2
