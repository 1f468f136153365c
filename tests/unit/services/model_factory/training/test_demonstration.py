"""The demonstration bundle that ships is what the factory makes of the simulated cohort."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from services.model_factory.app.demonstration import BUNDLE_ID, demonstration_cohort
from services.model_factory.formats.cohort_reading import read_cohort
from services.model_factory.handlers.folds.making import everyone
from services.model_factory.handlers.training.pipeline import fit_pipeline
from services.model_factory.handlers.training.presets import PRESETS
from services.model_factory.handlers.training.targets import LUNG_METASTASIS
from shared.bundles.catalog import installed_catalog
from shared.phantoms.cohort.truth import COEFFICIENTS
from shared.phantoms.cohort.writing import MANIFEST_FILE, cohort_files


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return cohort_files(demonstration_cohort())


def test_it_is_installed_for_demonstration_only() -> None:
    installed = installed_catalog().find(BUNDLE_ID)

    assert installed.reference.intended_use.value == "demonstration"
    assert installed.signer == f"{BUNDLE_ID}.pem"
    assert "SIMULATED, no patients" in installed.card


def test_it_was_trained_on_the_cohort_anybody_can_simulate(files: dict[str, bytes]) -> None:
    folder = Path(__file__).parents[5] / "shared/bundles/demonstration" / BUNDLE_ID
    inputs = dict(json.loads((folder / "provenance.json").read_bytes())["inputs"])

    assert inputs == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def test_its_coefficients_and_hazards_come_out_again(files: dict[str, bytes], tmp_path: Path) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    rows = everyone(read_cohort(tmp_path / MANIFEST_FILE)).training
    survival = installed_catalog().find(BUNDLE_ID).manifest.survival
    assert survival is not None

    model = fit_pipeline(rows, PRESETS["corrected"], np.random.default_rng(1), LUNG_METASTASIS.inputs).model

    again = {column.name: float(b) for column, b in zip(model.columns, model.coefficients, strict=True)}
    assert {t.feature: t.log_hazard_ratio for t in survival.terms} == pytest.approx(again, abs=1e-9)
    assert [h.baseline_cumulative_hazard for h in survival.horizons] == pytest.approx(
        [model.hazard(5), model.hazard(10)], abs=1e-9
    )


def test_it_found_the_five_variables_that_are_true_with_effects_near_the_truth() -> None:
    survival = installed_catalog().find(BUNDLE_ID).manifest.survival
    assert survival is not None

    found = {term.input: term.log_hazard_ratio for term in survival.terms}

    assert found.keys() == COEFFICIENTS.keys()
    for name, truth in COEFFICIENTS.items():
        assert found[name] == pytest.approx(truth, abs=0.3)
