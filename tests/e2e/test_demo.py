"""``oncorelay demo --headless``, with and without Orthanc and Node: what a newcomer runs first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from shared.testing import fhir_server
from tests.patients import require_peers

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

EXPECTED = {
    "complete": ("predicted", ["current"]),
    "receptor missing": ("predicted", ["superseded", "current"]),
    "the same study": ("predicted", ["current"]),
    "birth date": ("failed", []),
    "not node-positive": ("not_analysed", ["current"]),
    "laboratory values": ("predicted", ["current"]),
}


def run_demo(folder: Path, *options: str) -> tuple[str, list[dict[str, Any]]]:
    program = Path(sys.executable).parent / "oncorelay"
    done = subprocess.run(
        [str(program), "demo", "--headless", "--data", str(folder), *options],
        capture_output=True, text=True, timeout=280, check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("ONCORELAY_")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, json.loads((folder / "demo" / "summary.json").read_text())


def check(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        state, currencies = next(wanted for start, wanted in EXPECTED.items() if row["case"].startswith(start))
        of_images = not row["case"].startswith("laboratory")
        assert row["predictor"] == ("ln_pcr" if of_images else "lung_metastasis")
        assert row["state"] == state
        assert [finding["currency"] for finding in row["findings"]] == currencies
        assert {delivery["state"] for delivery in row["deliveries"]} <= {"delivered"}
        assert len(row["deliveries"]) == (2 if of_images else 1) * len(currencies)
        assert bool(row["prediction"] and row["prediction"]["horizons"]) != of_images
        assert (row["prediction"] is not None) == (state == "predicted")
    assert len(rows) == len(EXPECTED)


def test_the_demonstration_ends_with_its_results_in_orthanc_and_the_fhir_server(tmp_path: Path) -> None:
    require_peers()
    fhir_server.install()
    shown, rows = run_demo(tmp_path)

    check(rows)
    assert "PACS: Orthanc" in shown
    report = dcmread(tmp_path / "demo" / "sr_of_case_1.dcm")
    assert (report.Modality, report.PatientID) == ("SR", "DEMO-1")
    assessment = json.loads((tmp_path / "demo" / "risk_assessment_of_case_1.json").read_text())
    assert rows[0]["prediction"]["probability"] in [p["probabilityDecimal"] for p in assessment["prediction"]]


def test_the_demonstration_runs_without_orthanc_and_without_node(tmp_path: Path) -> None:
    shown, rows = run_demo(tmp_path, "--plain")

    check(rows)
    assert "qrscp" in shown
    assert "folder" in shown
    transaction = json.loads((tmp_path / "demo" / "risk_assessment_of_case_1.json").read_text())
    assert transaction["resourceType"] == "Bundle"
