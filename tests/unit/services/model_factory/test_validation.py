"""Validation on the real Duke sheet, and on sheets that are none."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from services.model_factory import __main__ as command
from services.model_factory.app import validate_bundle
from services.model_factory.formats.duke import read_duke
from services.model_factory.formats.report import render_text, to_json
from services.model_factory.handlers.validate_bundle import ValidationResult
from shared.bundles.catalog import installed_catalog
from shared.domain.errors import InvalidInputError, NotFoundError

ROOT = Path(__file__).resolve().parents[4]
SHEET = ROOT.parent / "shared" / "data" / "cohorts" / "duke_clinical.xlsx"
PAPER: dict[str, Any] = json.loads((ROOT / "tests/data/paper_000.json").read_text())
BUNDLE = "ln_pcr-clinical-published"

real_sheet = pytest.mark.skipif(not SHEET.exists(), reason="needs ../shared/data/cohorts/duke_clinical.xlsx")
HEADS = [
    "Patient ID", "ER", "HER2", "Staging(Tumor Size)# [T]", "Staging(Nodes)#(Nx replaced by -1)[N]",
    "Neoadjuvant Chemotherapy",
    "Pathologic response to Neoadjuvant therapy:  Pathologic stage (N) following neoadjuvant therapy",
]  # fmt: skip


def sheet(folder: Path, rows: list[list[Any]], heads: list[str] = HEADS) -> Path:
    """Write a sheet of the same shape: two rows above the columns' legend, then patients."""
    book = openpyxl.Workbook()
    data = book.active
    assert data is not None
    data.title = "Data"
    for row in (["Patient Information"], heads, ["", "{0 = neg}"], *rows):
        data.append(row)
    book.save(folder / "sheet.xlsx")
    return folder / "sheet.xlsx"


@pytest.fixture(scope="module")
def duke() -> ValidationResult:
    """The shipped bundle on the real sheet, read once."""
    return validate_bundle(BUNDLE, "duke", SHEET)


@real_sheet
@pytest.mark.shared_data
def test_duke_gives_143_patients_49_events_and_the_auc_found_independently(duke: ValidationResult) -> None:
    tree = to_json(duke)

    assert (tree["n"], tree["positives"], tree["positive_class"]) == (143, 49, "axillary_pcr")
    assert round(tree["auc"], 4) == PAPER["duke"]["auc"]
    assert tree["auc_ci"][0] < tree["auc"] < tree["auc_ci"][1]
    assert (tree["bundle"], tree["cohort"]) == (BUNDLE, "duke")


@real_sheet
@pytest.mark.shared_data
def test_the_flow_of_exclusions_accounts_for_every_patient(duke: ValidationResult) -> None:
    flow = duke.flow

    assert [step.remaining for step in flow] == [922, 292, 179, 145, 143, 143, 143]
    assert flow[0].remaining - sum(step.excluded for step in flow) == flow[-1].remaining


@real_sheet
@pytest.mark.shared_data
def test_145_remain_before_t_is_asked_for_and_two_lack_it(duke: ValidationResult) -> None:
    flow = duke.flow

    assert (flow[3].remaining, flow[4].label, flow[4].excluded) == (145, "clinical T missing", 2)


@real_sheet
@pytest.mark.shared_data
def test_the_report_draws_the_flow_with_counts(duke: ValidationResult) -> None:
    text = render_text(duke)

    assert "922 patients in the sheet" in text
    assert "├──▶ 2 excluded: clinical T missing" in text
    assert "143 patients analysed: 49 axillary_pcr, 94 without" in text
    assert "AUC 0.6427 (0.5463 to 0.7392" in text


@real_sheet
@pytest.mark.shared_data
def test_the_card_carries_what_validation_finds(duke: ValidationResult) -> None:
    cut, measured = duke.at_threshold, duke.calibration
    assert cut is not None
    found = {
        "auc": duke.auc, "sensitivity_at_0.5": cut.sensitivity, "specificity_at_0.5": cut.specificity,
        "observed_to_expected": measured.ratio, "calibration_in_the_large": measured.in_the_large,
        "calibration_slope": measured.slope, "calibration_intercept": measured.intercept,
    }  # fmt: skip
    carried = {metric.name: metric for metric in installed_catalog().find(BUNDLE).manifest.metrics}

    for name, estimate in found.items():
        assert carried[name].value == pytest.approx(estimate.value, abs=5.1e-5), name
        assert carried[name].interval == pytest.approx(estimate.interval, abs=5.1e-5), name
        assert carried[name].interval_method == estimate.method
    assert carried["brier"].value == pytest.approx(measured.brier, abs=5.1e-5)
    assert carried["brier_of_prevalence"].value == pytest.approx(measured.brier_of_prevalence, abs=5.1e-5)
    assert set(carried) == {*found, "brier", "brier_of_prevalence"}


@real_sheet
@pytest.mark.shared_data
def test_the_command_prints_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    status = command.main(["validate", BUNDLE, "--cohort", f"duke={SHEET}", "--json"])
    out = capsys.readouterr().out

    assert status == 0
    assert json.loads(out.splitlines()[-1])["n"] == 143
    assert len(out.splitlines()) == 1


def test_a_borderline_her2_and_an_unknown_er_are_excluded_not_guessed(tmp_path: Path) -> None:
    rows = [["a", 1, 2, 2, 1, 1, 0], ["b", "NA", 0, 2, 1, 1, 0], ["c", 0, 1, 4, 3, 1, 2]]
    cohort = read_duke(sheet(tmp_path, rows))

    assert [patient.levels for patient in cohort.patients] == [{"er": "negative", "her2": "3", "t": "4"}]
    assert [step.excluded for step in cohort.flow[-2:]] == [1, 1]


def test_a_sheet_without_a_column_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no column 'HER2'"):
        read_duke(sheet(tmp_path, [], [head for head in HEADS if head != "HER2"]))


def test_a_cohort_too_small_to_measure_is_refused(tmp_path: Path) -> None:
    rows = [["a", 1, 0, 2, 1, 1, 0], ["b", 0, 0, 2, 1, 1, 1]]

    with pytest.raises(InvalidInputError, match="fewer than two patients"):
        validate_bundle(BUNDLE, "duke", sheet(tmp_path, rows))


@pytest.mark.parametrize("content", [b"", b"not a workbook", b"PK\x03\x04broken"])
def test_a_file_that_is_no_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sheet.xlsx"
    path.write_bytes(content)

    with pytest.raises(InvalidInputError, match="workbook"):
        read_duke(path)


def test_a_zip_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sheet.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("hello.txt", "hello")

    with pytest.raises(InvalidInputError, match="workbook"):
        read_duke(path)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"sheet\.xlsx: there is no such file"):
        read_duke(tmp_path / "sheet.xlsx")


def test_an_unknown_cohort_names_those_that_are_known() -> None:
    with pytest.raises(InvalidInputError, match="known are duke"):
        validate_bundle(BUNDLE, "elsewhere", SHEET)


def test_an_unknown_bundle_is_named() -> None:
    with pytest.raises(NotFoundError, match="no installed bundle nothing"):
        validate_bundle("nothing", "duke", SHEET)


def test_an_error_is_one_sentence_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    status = command.main(["validate", BUNDLE, "--cohort", "duke=/nowhere.xlsx"])

    assert status == 1
    assert "there is no such file" in capsys.readouterr().err


@real_sheet
@pytest.mark.shared_data
def test_every_number_of_a_validation_carries_its_class_and_the_guards_find_nothing(duke: ValidationResult) -> None:
    assert {metric.positive_class for metric in duke.metrics()} == {"axillary_pcr"}
    assert "49 of 143 by patient" in duke.metrics()[0].sentence()
    assert duke.findings() == ()
    assert to_json(duke)["findings"] == []
