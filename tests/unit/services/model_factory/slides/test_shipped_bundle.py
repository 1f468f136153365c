"""The demonstration bundle of her2 as it is shipped: it verifies, opens, and says what it is and is not."""

from __future__ import annotations

import pytest

from services.model_factory.app.imaged_demonstration import LABEL
from services.model_factory.app.slides_demonstration import NETWORK, SLIDES
from services.model_factory.handlers.slides.contradictions import CONTRADICTIONS
from shared.bundles.catalog import Catalog, Installed, installed_catalog
from shared.predictors.models import SlideModel

BUNDLE = f"her2-tl_pa-{LABEL.bundle_id}"
LARGEST = 15 * 1024 * 1024


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return installed_catalog()


@pytest.fixture(scope="module")
def shipped(catalog: Catalog) -> Installed:
    return catalog.find(BUNDLE)


def test_it_opens_with_its_golden_patches_and_fits_into_fifteen_megabytes(catalog: Catalog, shipped: Installed) -> None:
    model = catalog.open(BUNDLE, shipped.reference.digest)
    assert isinstance(model, SlideModel)
    assert model.outcome.positive_class == "her2_positive"
    assert sum(file.stat().st_size for file in shipped.folder.iterdir()) <= LARGEST


def test_it_is_what_the_recipe_beside_it_makes(shipped: Installed) -> None:
    part = shipped.manifest.slides
    assert part is not None
    assert (part.architecture, part.input_px) == (NETWORK.architecture.name, NETWORK.architecture.side)
    assert f"{SLIDES} slides" in shipped.manifest.training_data


def test_it_says_that_its_slides_are_simulated_and_its_network_not_pretrained(shipped: Installed) -> None:
    manifest, card = shipped.manifest, (shipped.folder / "card.md").read_text()
    assert "SIMULATED" in manifest.training_data
    assert "not pre-trained" in manifest.training_data
    assert manifest.intended_use.value == "demonstration"
    assert all(sentence in card for sentence in CONTRADICTIONS)


def test_its_probability_rises_with_the_score_and_its_cut_is_the_paper_s(catalog: Catalog, shipped: Installed) -> None:
    model = catalog.open(BUNDLE, shipped.reference.digest)
    assert model.score({"score": 0.1}) < model.score({"score": 0.4})
    assert [one.value for one in shipped.manifest.thresholds] == pytest.approx([model.score({"score": 0.2})])


def test_it_knows_most_of_what_can_be_known(shipped: Installed) -> None:
    found = next(one for one in shipped.manifest.metrics if one.name == "auc.held_out")
    assert found.positive_class == "her2_positive"
    assert found.interval is not None
    assert found.interval[0] > 0.6
