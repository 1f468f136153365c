"""A Cox bundle measured on a cohort manifest."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.model_factory.app.external import validate_on_manifest
from services.model_factory.formats.external_report import render_text, to_json
from shared.bundles.catalog import installed_catalog
from shared.domain.errors import InvalidInputError
from tests.unit.services.model_factory.training.small import write_cohort

COX = "lung_metastasis-demonstration"


def test_every_number_of_a_validation_says_what_it_is_about(tmp_path: Path) -> None:
    found = validate_on_manifest(COX, write_cohort(tmp_path, 300, seed=8), installed_catalog(), 20)
    tree = to_json(found)
    names = {one["name"] for one in tree["metrics"]}
    assert {"c_index", "c_uno_10y", "auc_5y", "brier_5y", "calibration_slope_5y", "observed_to_expected_5y"} <= names
    assert not [name for name in names if name.startswith("integrated")]  # a bundle states no hazard in between
    for one in tree["metrics"]:
        assert (one["positive_class"], one["n"], one["events"]) == ("lung_metastasis", found.n, found.events)
        assert one["interval_method"]
    assert 0.6 < next(one["value"] for one in tree["metrics"] if one["name"] == "c_index") < 0.95
    assert tree["flow"][0]["remaining"] == 300
    assert f"n = {found.n}, {found.events} events" in render_text(found)


def test_a_cohort_followed_too_briefly_is_measured_at_no_late_horizon(tmp_path: Path) -> None:
    found = validate_on_manifest(COX, write_cohort(tmp_path, 300, follow_up="paper"), installed_catalog(), 20)
    assert [years for years, _ in found.refused] == [10]
    assert "nothing is measured at 10 years" in render_text(found)
    assert not any(one.years == 10 for one in found.verdict.performance)


def test_few_events_are_said(tmp_path: Path) -> None:
    found = validate_on_manifest(COX, write_cohort(tmp_path, 120), installed_catalog(), 20)
    assert any("100 are wanted" in one for one in found.warnings)


def test_a_logistic_bundle_takes_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="not a cohort manifest"):
        validate_on_manifest("ln_pcr-clinical-published", write_cohort(tmp_path, 50), installed_catalog(), 20)
