"""A bundle updated with a site's patients is served, calibrated there, and made only of enough events."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.model_factory.app.updating import recalibrate
from services.model_factory.formats.cohort_reading import read_cohort
from services.model_factory.formats.duke import read_duke
from services.model_factory.handlers.scoring import score
from services.model_factory.handlers.statistics.kaplan_meier import kaplan_meier
from services.model_factory.handlers.statistics.recalibration import Method
from services.model_factory.handlers.training.bundle_draft import Label
from shared.bundles.catalog import Catalog, installed_catalog
from shared.bundles.survival import hazards_of, inputs_of
from shared.domain.errors import ConflictError, InvalidInputError
from shared.predictors import REGISTRY
from shared.predictors.contract import ByHand
from tests.unit.services.model_factory.test_validation import HEADS
from tests.unit.services.model_factory.training.small import write_cohort

COX, LOGISTIC = "lung_metastasis-demonstration", "ln_pcr-clinical-published"


def updated(folder: Path, bundle: str, cohort: str, method: Method = "slope", name: str = "ours") -> Catalog:
    """Update with a new key and return the catalog of a site that trusts it."""
    recalibrate(bundle, cohort, method, folder, Ed25519PrivateKey.generate(), Label(name), installed_catalog())
    return installed_catalog([folder], folder)


def slope_on(catalog: Catalog, name: str, manifest: Path, folder: Path) -> float:
    """Return the slope that a further update would take."""
    keys = Ed25519PrivateKey.generate()
    made = recalibrate(name, str(manifest), "slope", folder, keys, Label("again"), catalog)
    old, new = catalog.find(name).manifest.survival, json.loads((made / "bundle.json").read_text())["survival"]
    assert old is not None
    return float(new["terms"][0]["log_hazard_ratio"]) / old.terms[0].log_hazard_ratio


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cohort of 300 simulated patients."""
    return write_cohort(tmp_path_factory.mktemp("cohort"), 300, seed=4)


def sheet(folder: Path, events: int, others: int) -> str:
    """Write a Duke-shaped sheet whose events run with the model."""
    book = openpyxl.Workbook()
    data = book.active
    assert data is not None
    data.title = "Data"
    rows: list[list[str | int]] = [[f"P{n}", n % 3 == 0, int(n % 4 > 0), 1 + n % 3, 1, 1, 0] for n in range(events)]
    rows += [[f"Q{n}", int(n % 4 > 0), n % 3 == 0, 1 + n % 4, 1, 1, 1] for n in range(others)]
    head: list[list[str | int]] = [["Patient Information"], [*HEADS], ["", "{0 = neg}"]]
    for row in [*head, *rows]:
        data.append([int(cell) if isinstance(cell, bool) else cell for cell in row])
    book.save(folder / "sheet.xlsx")
    return f"duke={folder / 'sheet.xlsx'}"


def test_an_updated_cox_bundle_is_served_and_is_calibrated_on_its_cohort(manifest: Path, tmp_path: Path) -> None:
    catalog = updated(tmp_path / "a", COX, str(manifest))
    catalog.open("ours")
    assert slope_on(catalog, "ours", manifest, tmp_path / "b") == pytest.approx(1.0, abs=1e-6)


def test_in_the_large_keeps_the_coefficients_and_makes_expected_equal_to_observed(
    manifest: Path, tmp_path: Path
) -> None:
    found = updated(tmp_path, COX, str(manifest), "in_the_large").find("ours").manifest
    old = installed_catalog().find(COX).manifest
    assert found.survival is not None
    assert old.survival is not None
    assert [one.log_hazard_ratio for one in found.survival.terms] == [
        one.log_hazard_ratio for one in old.survival.terms
    ]
    scored = score(read_cohort(manifest), "lung_metastasis", inputs_of(found.inputs), hazards_of(found.survival))
    first = found.survival.horizons[0]
    assert first.baseline_cumulative_hazard is not None
    expected = float(np.mean(-np.expm1(-first.baseline_cumulative_hazard * np.exp(scored.linear))))
    observed = 1.0 - kaplan_meier(scored.years, scored.events).estimate(first.years).value
    assert expected == pytest.approx(observed, abs=0.02)


def test_an_updated_bundle_says_from_what_it_was_made_and_states_no_old_metric(manifest: Path, tmp_path: Path) -> None:
    found = updated(tmp_path, COX, str(manifest)).find("ours")
    parent = installed_catalog().find(COX).reference
    assert found.manifest.metrics == ()
    assert parent.digest in found.card
    assert json.loads((found.folder / "provenance.json").read_text())["updated_from"].startswith(COX)
    assert found.manifest.intended_use == "demonstration"


def test_patients_make_it_research(manifest: Path, tmp_path: Path) -> None:
    text = manifest.read_text()
    assert "simulated = true" in text
    real = tmp_path / "cohort"
    real.mkdir()
    for file in manifest.parent.iterdir():
        (real / file.name).write_bytes(file.read_bytes())
    (real / manifest.name).write_text(text.replace("simulated = true", "simulated = false"))
    found = updated(tmp_path / "out", COX, str(real / manifest.name)).find("ours").manifest
    assert found.intended_use == "research"
    assert found.intended_use_statement.startswith("Research.")


@pytest.mark.parametrize(("method", "least"), [("in_the_large", 20), ("slope", 40), ("flexible", 200)])
def test_too_few_events_are_refused_with_the_number_needed(method: Method, least: int, tmp_path: Path) -> None:
    few = write_cohort(tmp_path / "cohort", 60)
    with pytest.raises(InvalidInputError, match=f"needs {least} events and as many without; there are "):
        updated(tmp_path / "out", COX, str(few), method)
    assert not (tmp_path / "out").exists()


def test_a_flexible_curve_is_refused_because_a_bundle_states_coefficients(tmp_path: Path) -> None:
    many = write_cohort(tmp_path / "cohort", 1200)
    with pytest.raises(InvalidInputError, match="a flexible curve has none; use slope"):
        updated(tmp_path / "out", COX, str(many), "flexible")


def test_the_published_logistic_model_is_updated_on_a_sheet_and_served(tmp_path: Path) -> None:
    cohort = sheet(tmp_path, 60, 90)
    found = updated(tmp_path / "out", LOGISTIC, cohort, "in_the_large")
    assert found.find("ours").manifest.intended_use == "research"
    model = found.open("ours")
    old = installed_catalog().open(LOGISTIC)
    features = dict.fromkeys(found.find("ours").manifest.features, 0.0)
    assert model.score(features) != pytest.approx(old.score(features), abs=1e-3)


def test_a_logistic_update_in_the_large_makes_expected_equal_to_observed(tmp_path: Path) -> None:
    cohort = sheet(tmp_path, 60, 90)
    model = updated(tmp_path / "out", LOGISTIC, cohort, "in_the_large").open("ours")
    predictor = REGISTRY["ln_pcr"]
    assert isinstance(predictor, ByHand)
    patients = read_duke(tmp_path / "sheet.xlsx").patients
    expected = sum(predictor.answer_levels(one.levels, model).probability for one in patients)
    assert expected == pytest.approx(60.0, abs=1e-6)


def test_a_sheet_with_too_few_events_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="needs 40 events and as many without; there are 25 and 90"):
        updated(tmp_path / "out", LOGISTIC, sheet(tmp_path, 25, 90))


def test_a_cohort_in_another_unit_is_refused(manifest: Path, tmp_path: Path) -> None:
    for file in manifest.parent.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    text = manifest.read_text()
    assert 'unit = "mg/L"' in text
    (tmp_path / manifest.name).write_text(text.replace('unit = "mg/L"', 'unit = "mg/dL"'))
    with pytest.raises(InvalidInputError, match="hscrp: is in mg/dL in the cohort; the model takes mg/L"):
        updated(tmp_path / "out", COX, str(tmp_path / manifest.name))


def test_an_updated_bundle_needs_another_name_and_an_empty_place(manifest: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="is that of the old bundle"):
        updated(tmp_path, COX, str(manifest), name=COX)
    updated(tmp_path, COX, str(manifest))
    with pytest.raises((InvalidInputError, ConflictError), match="exists already"):
        updated(tmp_path, COX, str(manifest))


def test_values_outside_the_range_seen_are_left_out_and_counted(manifest: Path) -> None:
    found = installed_catalog().find(COX).manifest
    assert found.survival is not None
    cohort = read_cohort(manifest)
    values = cohort.measured["hscrp"].copy()
    values[:3] = 3000.0
    far = dataclasses.replace(cohort, measured={**cohort.measured, "hscrp": values})
    flow = score(far, "lung_metastasis", inputs_of(found.inputs), hazards_of(found.survival)).flow
    assert flow[-1].label == "a value lies outside the range the model has seen"
    assert flow[-1].excluded >= 3
