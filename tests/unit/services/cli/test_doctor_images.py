"""doctor says which variants can be served here; bundles are real folders, signed and verified."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.cli.doctor_images import variants_served
from shared.bundles.catalog import Catalog, installed_catalog
from shared.bundles.runtimes.port import RuntimeChoice
from shared.domain.errors import NotFoundError
from shared.predictors.ln_pcr.variants import IMAGE_VARIANTS
from tests.image_bundle import KEYS, image_bundle


def of_the_network_variant(manifest: dict[str, Any]) -> None:
    manifest["variant"] = "clinical_dlr"


def test_every_variant_that_measures_images_is_named_with_its_bundle_or_without() -> None:
    text = variants_served(installed_catalog())

    for variant in IMAGE_VARIANTS:
        assert f"ln_pcr {variant}: " in text


def test_a_bundle_that_runs_here_is_named_with_its_classifiers_and_its_networks_engine(tmp_path: Path) -> None:
    catalog = Catalog.load([image_bundle(tmp_path, of_the_network_variant)], KEYS, RuntimeChoice(threads=1))

    assert variants_served(catalog) == (
        "ln_pcr clinical_dlr: ln_pcr-clinical-published 1.0.0 (logistic, forest; network on onnxruntime); "
        "ln_pcr clinical_radiomics: no bundle"
    )
    assert catalog.for_predictor("ln_pcr") is None  # nobody types what it measures


def test_a_bundle_whose_golden_crop_does_not_hold_here_fails_with_the_remedy(tmp_path: Path) -> None:
    def other_probability(manifest: dict[str, Any]) -> None:
        of_the_network_variant(manifest)
        manifest["imaging"]["network"]["golden"][0]["probability"] = 0.123

    catalog = Catalog.load([image_bundle(tmp_path, other_probability)], KEYS, RuntimeChoice(threads=1))

    with pytest.raises(NotFoundError, match=r"clinical_dlr: .*golden crop"):
        variants_served(catalog)
