"""What administrators do, through the real door and the real command line."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from services.cli.__main__ import oncorelay
from services.results.config import Settings
from services.results.ledger.database import upgrade
from services.results.ledger.ledger import Ledger, open_ledger
from services.results.serve.app import Serve, start
from shared.domain.governance import PatientChange, PatientChangeKind
from shared.domain.identity import PatientIdentity
from shared.rpc.clients import ResultsClient
from shared.rpc.governance import GovernanceClient
from shared.site.anchors import read_anchors
from shared.site.site_secret import make_secret
from shared.storage.erasure import BlobEraser
from shared.testing.cases import BUNDLE, PATIENT, a_prediction, a_study, some_pins
from shared.testing.ports import free_port

pytestmark = pytest.mark.integration


@dataclass
class Site:
    """A running results.serve and its ledger."""

    settings: Settings
    ledger: Ledger
    serve: Serve
    folder: Path

    def predicted(self) -> str:
        """Take one study to its prediction; return its case."""
        now = datetime.now(UTC)
        (case_id,) = self.ledger.intake.submit("s", a_study(), ("ln_pcr",), now)
        (due,) = self.ledger.collecting.due(now)
        self.ledger.collecting.pin(due, some_pins(), now)
        claim = self.ledger.attempts.claim("c", case_id, 1, "worker", now)
        self.ledger.attempts.answer("a", case_id, claim.attempt, a_prediction(), now)
        return case_id

    def work(self) -> None:
        """Do what dispatch does."""
        self.ledger.recalls.work(datetime.now(UTC))
        self.ledger.erasures.work(BlobEraser(self.folder / "blobs"), datetime.now(UTC))

    def work_thrice(self) -> None:
        for _ in range(3):
            self.work()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("ONCORELAY_SITE__DATA_FOLDER", str(tmp_path))
    monkeypatch.setenv("ONCORELAY_RESULTS__GRPC_ADDRESS", f"127.0.0.1:{free_port()}")
    monkeypatch.setenv("ONCORELAY_LAB_CONSUMER__GRPC_ADDRESS", f"127.0.0.1:{free_port()}")
    monkeypatch.setenv("ONCORELAY_LAB_CONSUMER__HTTP_PORT", "0")
    monkeypatch.setenv("ONCORELAY_PERSON", "dr-test")
    settings = Settings()
    make_secret(settings.site.secret_file)
    ledger = open_ledger(settings)
    upgrade(ledger.engine)
    serve = start(settings)
    yield Site(settings, ledger, serve, tmp_path)
    serve.stop()
    ledger.engine.dispose()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(oncorelay, list(arguments))


def test_a_view_is_in_the_audit_and_the_chain_is_verified_against_its_anchors(site: Site) -> None:
    case_id = site.predicted()
    ResultsClient(site.settings.grpc_address).get_case(case_id, "dr-test")
    site.serve.anchor()
    verified = run("audit", "verify")
    assert (verified.exit_code, verified.output[:2]) == (0, "ok")

    assert "dr-test (not authenticated): view.case" in run("audit", "show", case_id).output
    site.serve.stop()
    assert read_anchors(site.settings.anchor_file)[-1].number == len(site.ledger.trail.rows())


def test_what_was_done_to_the_chain_is_named_and_the_command_fails(site: Site) -> None:
    site.predicted()
    with site.ledger.engine.begin() as connection:
        connection.execute(sa.text("DROP TRIGGER ledger_audit_no_update"))
        connection.execute(sa.text("UPDATE ledger_audit SET actor = 'nobody' WHERE number = 2"))

    verified = run("audit", "verify")
    assert (verified.exit_code, verified.output) == (1, "FAULT  row 2 was changed\n")


def test_a_chain_without_an_anchor_is_not_called_proven(site: Site) -> None:
    site.predicted()
    verified = run("audit", "verify", "--anchors", str(site.folder / "none.jsonl"))
    assert (verified.exit_code, verified.output[:10]) == (3, "NOT PROVEN")


def test_an_emptied_chain_beside_cases_is_a_fault(site: Site) -> None:
    site.predicted()
    with site.ledger.engine.begin() as connection:
        connection.execute(sa.text("DROP TRIGGER ledger_audit_no_delete"))
        connection.execute(sa.text("DELETE FROM ledger_audit"))

    verified = run("audit", "verify", "--anchors", str(site.folder / "none.jsonl"))
    assert (verified.exit_code, verified.output) == (
        1, "FAULT  the chain is empty, and there are cases: all of it was removed\n",
    )  # fmt: skip


def test_the_export_has_a_line_per_row_as_json_and_as_fhir(site: Site) -> None:
    site.predicted()
    count = len(site.ledger.trail.rows())
    rows = [json.loads(line) for line in run("audit", "export").output.splitlines()]
    events = [json.loads(line) for line in run("audit", "export", "--format", "fhir").output.splitlines()]
    mine = run("audit", "export", "--authority", PATIENT.authority, "--identifier", PATIENT.identifier).output

    assert [row["number"] for row in rows] == list(range(1, count + 1))
    assert {event["resourceType"] for event in events} == {"AuditEvent"}
    assert 0 < len(mine.splitlines()) <= count
    assert PATIENT.identifier not in mine


def test_a_recall_shows_its_progress_until_it_is_finished(site: Site) -> None:
    site.predicted()
    working = threading.Timer(1.0, site.work_thrice)
    working.start()
    shown = run("models", "recall", BUNDLE.bundle_id, "--reason", "a coefficient was printed wrongly")
    working.join()

    lines = shown.output.splitlines()
    assert lines[0] == "0 of 1 cases withdrawn, 0 of 0 deliveries confirmed at sinks"
    assert lines[-1] == "1 of 1 cases withdrawn, 0 of 0 deliveries confirmed at sinks; finished"
    assert "dr-test (not authenticated): a coefficient" in run("models", "recalls").output


def test_a_change_of_patients_comes_through_the_door(site: Site) -> None:
    site.predicted()
    change = PatientChange(PatientChangeKind.MERGE, PATIENT, PatientIdentity("hospital", "MRN-TEST-2"), "MSG-1")

    assert GovernanceClient(site.settings.grpc_address).report_patient_change("r", change) == (1, 1)


def test_an_erasure_asks_first(site: Site) -> None:
    whom = ("--authority", PATIENT.authority, "--identifier", PATIENT.identifier)

    assert run("erase", *whom, "--reason", "asked for").exit_code == 1
    assert [row.act for row in site.ledger.trail.rows()] == []
