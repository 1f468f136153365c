"""Values at the FHIR door reach results as one panel, whatever dies in between."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.domain.study import Study
from shared.phantoms.mcode import SimulatedPatient
from shared.testing.fhir_resources import HOSPITAL_SYSTEM
from shared.testing.ports import free_port
from tests.integration.lab_consumer.conftest import HEADERS, ListeningResults, Running
from tests.integration.lab_consumer.test_process import Process, write_token

pytestmark = pytest.mark.integration

PATIENT = SimulatedPatient("LAB-1", HOSPITAL_SYSTEM, "1970-05-17")
DRAWN = datetime.now(UTC).date() - timedelta(days=3)


def values(status: str = "final") -> list[dict[str, Any]]:
    return [{**row, "status": status} for row in PATIENT.panel(("12", "9", "2.1", "1.2"), DRAWN.isoformat())]


def stands(panel: Study) -> bool:
    return bool(panel.panel and not panel.panel.taken_back)


def gone(panel: Study) -> bool:
    return bool(panel.panel and panel.panel.taken_back)


def test_four_values_of_a_day_are_one_panel_and_their_deletion_takes_it_back(lab: Running) -> None:
    answers = [lab.post(row).status_code for row in (PATIENT.patient(), *values())]
    panel = lab.results.wait_for_panel(stands)
    assert set(answers) == {201}
    assert (panel.study_date, panel.identity and panel.identity.identifier) == (DRAWN, "LAB-1")

    for row in values("entered-in-error"):
        lab.post(row)
    assert lab.results.wait_for_panel(gone).study_instance_uid == panel.study_instance_uid
    assert len(lab.results.panels) == 1


def test_a_panel_that_results_never_heard_of_survives_kill_9(tmp_path: Path) -> None:
    port = free_port()
    write_token(tmp_path)
    process = Process(tmp_path, port)
    running = process.start()
    url = f"http://127.0.0.1:{process.http_port}/fhir"
    crp = values()[0]
    for row in (PATIENT.patient(), crp):
        answer = httpx.post(f"{url}/{row['resourceType']}", json=row, headers=HEADERS, timeout=20)
        assert answer.status_code == 201
    running.send_signal(signal.SIGKILL)
    running.wait()
    results = ListeningResults()
    listening = results.start(f"127.0.0.1:{port}")
    running = process.start()
    try:
        assert results.wait_for_panel(stands).study_date == DRAWN
    finally:
        running.terminate()
        running.wait(20)
        listening.stop(None).wait()
