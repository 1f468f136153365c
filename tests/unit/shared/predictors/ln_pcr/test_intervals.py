"""How sure a logistic regression is of one probability; the shipped demonstration bundles state a covariance."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from shared.bundles.catalog import SHIPPED_BUNDLES, Catalog, installed_catalog
from shared.predictors.ln_pcr.answers import predict
from shared.predictors.models import IntervalModel, Model

LEVELS = {"er": "positive", "her2": "low", "t": "2"}
RADIOMICS = "ln_pcr-clinical_radiomics-demonstration"
PUBLISHED = "ln_pcr-clinical-published"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return installed_catalog()


def opened(catalog: Catalog, name: str) -> Model:
    return catalog.open(name, catalog.find(name).reference.digest)


def flags(catalog: Catalog, name: str, **more: object) -> tuple[tuple[float, float] | None, set[str]]:
    answer = predict(LEVELS, (), (), opened(catalog, name), **more)  # type: ignore[arg-type]  # keywords by name
    if answer.interval:
        assert answer.interval[0] < answer.probability < answer.interval[1]
    return answer.interval, {flag.code for flag in answer.flags}


def test_the_interval_covers_what_draws_of_the_coefficients_give(catalog: Catalog) -> None:
    model = opened(catalog, RADIOMICS)
    assert isinstance(model, IntervalModel)
    manifest = json.loads((SHIPPED_BUNDLES / RADIOMICS / "bundle.json").read_text())
    logistic = manifest["logistic"]
    columns = dict.fromkeys(manifest["features"], 0.0) | {"er_positive": 1.0, "t_2": 1.0, "rad_score": 0.7}
    names = [one["feature"] for one in logistic["coefficients"]]
    means = [logistic["intercept"], *(one["log_odds_ratio"] for one in logistic["coefficients"])]
    drawn = np.random.default_rng(1).multivariate_normal(means, logistic["covariance"], 40_000)
    odds = drawn @ np.array([1.0, *(columns[name] for name in names)])
    sign = 1.0 if manifest["output"]["modelled_event"] == manifest["output"]["positive_class"] else -1.0
    low, high = np.quantile(1.0 / (1.0 + np.exp(-sign * odds)), [0.025, 0.975])

    found = model.interval(columns)

    assert found is not None
    assert math.isclose(found[0], low, abs_tol=0.01)
    assert math.isclose(found[1], high, abs_tol=0.01)


def test_of_measured_numbers_it_is_said_that_their_own_uncertainty_is_not_in_it(catalog: Catalog) -> None:
    interval, said = flags(catalog, RADIOMICS, variant="clinical_radiomics", measured={"rad_score": 0.7})

    assert interval is not None
    assert "interval_of_coefficients" in said
    assert "no_interval" not in said


def test_a_forest_and_a_published_table_have_none_and_say_so(catalog: Catalog) -> None:
    measured = {"rad_score": 0.7}
    forest = flags(catalog, RADIOMICS, variant="clinical_radiomics", measured=measured, classifier="forest")
    published = flags(catalog, PUBLISHED)

    for interval, said in (forest, published):
        assert interval is None
        assert "no_interval" in said
