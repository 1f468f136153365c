"""The three demonstration bundles as they are shipped: they verify, open, and say what they are."""

from __future__ import annotations

import pytest

from services.model_factory.app.imaged_demonstration import LABEL, PATIENTS
from services.model_factory.handlers.imaged.families import FAMILIES
from shared.bundles.catalog import Catalog, installed_catalog

LARGEST = 15 * 1024 * 1024


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return installed_catalog()


def test_nothing_that_is_shipped_is_refused(catalog: Catalog) -> None:
    assert catalog.problems == ()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_demonstration_bundle_opens_with_its_golden_inputs_and_fits_into_fifteen_megabytes(
    catalog: Catalog, family: str
) -> None:
    one = catalog.find(f"ln_pcr-{family}-{LABEL.bundle_id}")
    assert catalog.open(one.reference.bundle_id, one.reference.digest).outcome.positive_class == "axillary_pcr"
    assert sum(file.stat().st_size for file in one.folder.iterdir()) <= LARGEST


@pytest.mark.parametrize("family", FAMILIES)
def test_it_says_that_its_patients_are_simulated_and_how_many(catalog: Catalog, family: str) -> None:
    manifest = catalog.find(f"ln_pcr-{family}-{LABEL.bundle_id}").manifest
    assert "SIMULATED" in manifest.training_data
    assert f"{PATIENTS} drawn" in manifest.training_data
    assert manifest.intended_use.value == "demonstration"
    assert {one.positive_class for one in manifest.metrics} == {"axillary_pcr"}


def test_the_published_bundle_answers_for_the_clinical_variant(catalog: Catalog) -> None:
    reference = catalog.for_variant("ln_pcr", "clinical")
    assert reference is not None
    assert reference.bundle_id == "ln_pcr-clinical-published"


def test_the_image_adds_what_the_clinic_does_not_know(catalog: Catalog) -> None:
    found = {}
    for family in FAMILIES:
        metrics = catalog.find(f"ln_pcr-{family}-{LABEL.bundle_id}").manifest.metrics
        found[family] = next(one.value for one in metrics if one.name == "auc.out_of_fold.logistic")
    assert found["clinical_radiomics"] > found["clinical"] + 0.05
    assert found["clinical_dlr"] > found["clinical"] + 0.05
