"""``oncorelay demo --headless``, with and without Orthanc and Node: what a newcomer runs first."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import hl7
import pytest
from pydicom import dcmread

from shared.bundles.catalog import installed_catalog
from shared.predictors.her2 import scale
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
    "an H&E slide": ("predicted", ["current"]),
}
OTHERS = {"laboratory values": "lung_metastasis", "an H&E slide": "her2"}
SINKS = {"ln_pcr": {"pacs", "ehr", "files"}, "lung_metastasis": {"ehr", "files"}, "her2": {"ehr", "files", "lis"}}
"""Of laboratory values, and of a slide that is no DICOM, nothing lies in the PACS; the LIS hears of slides only."""


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
        predictor = next((name for start, name in OTHERS.items() if row["case"].startswith(start)), "ln_pcr")
        assert row["predictor"] == predictor
        assert row["state"] == state
        assert [finding["currency"] for finding in row["findings"]] == currencies
        assert {delivery["state"] for delivery in row["deliveries"]} <= {"delivered"}
        assert len(row["deliveries"]) == len(SINKS[predictor]) * len(currencies)
        assert {delivery["sink"] for delivery in row["deliveries"]} <= SINKS[predictor]
        assert bool(row["prediction"] and row["prediction"]["horizons"]) == (predictor == "lung_metastasis")
        assert (row["prediction"] is not None) == (state == "predicted")
    assert len(rows) == len(EXPECTED) - (not _slides_are_answered())


def _slides_are_answered() -> bool:
    """Tell whether this installation has a bundle for slides."""
    return bool(installed_catalog().for_variant(scale.NAME, scale.VARIANT))


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

    if not _slides_are_answered():
        return
    (slide,) = [row for row in rows if row["predictor"] == "her2"]
    (message,) = (tmp_path / "demo" / "lis").iterdir()
    assert str(hl7.parse(message.read_bytes().decode()).segment("OBR")[25]) == "P"
    assert slide["prediction"]["positive_class"] == "her2_positive"
    patches = [line.split()[-1] for line in shown.splitlines() if line.startswith("its patches in QuPath")]
    collection = json.loads(gzip.decompress(Path(patches[0]).read_bytes()))
    assert collection["type"] == "FeatureCollection"
