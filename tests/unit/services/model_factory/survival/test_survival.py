"""Cox's model on a fold against lifelines, horizons, and how many candidates the events can carry."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from lifelines.statistics import proportional_hazard_test

from services.model_factory.handlers.cohort.typed import TypedCohort
from services.model_factory.handlers.folds.making import everyone, split
from services.model_factory.handlers.survival.cox import CoxModel, fit_cox, schoenfeld
from services.model_factory.handlers.survival.horizons import at_horizon, refusal
from services.model_factory.handlers.survival.planner import plan
from services.model_factory.handlers.training.presets import PRESETS
from tests.unit.services.model_factory.training.small import FIVE, cohort


@pytest.fixture(scope="module")
def patients(tmp_path_factory: pytest.TempPathFactory) -> TypedCohort:
    return cohort(tmp_path_factory.mktemp("cohort"), n=300)


@pytest.fixture(scope="module")
def model(patients: TypedCohort) -> CoxModel:
    rows = everyone(patients).training
    return fit_cox(rows, PRESETS["corrected"].preparation.fit(rows), FIVE)


def judge(model: CoxModel) -> CoxPHFitter:
    table = pd.DataFrame(model.x, columns=[column.name for column in model.columns])
    return CoxPHFitter().fit(table.assign(t=model.years, e=model.events), "t", "e")


def test_risks_are_those_of_lifelines(patients: TypedCohort, model: CoxModel) -> None:
    peer = judge(model)
    rows = everyone(patients).training

    for years in (5.0, 10.0):
        expected = 1 - peer.predict_survival_function(pd.DataFrame(model.x, columns=peer.params_.index), [years])
        assert model.risk(rows, years) == pytest.approx(expected.to_numpy()[0], abs=1e-9)


def test_the_covariance_of_the_baseline_agrees_with_resampled_cohorts(patients: TypedCohort, model: CoxModel) -> None:
    rng = np.random.default_rng(1)
    found = []
    for _ in range(60):
        draw = rng.choice(model.x.shape[0], model.x.shape[0])
        table = pd.DataFrame(model.x[draw]).rename(columns=str).assign(t=model.years[draw], e=model.events[draw])
        peer = CoxPHFitter().fit(table, "t", "e")
        hazard = peer.baseline_cumulative_hazard_.loc[:5.0].iloc[-1, 0]
        # From the draw's centre to that of the cohort.
        found.append(np.log(hazard) - float(peer.params_ @ model.x[draw].mean(axis=0)))

    assert np.sqrt(model.hazard_covariance(5.0)[0, 0]) == pytest.approx(np.std(found), rel=0.35)


def test_coefficients_and_baseline_depend_on_each_other(model: CoxModel) -> None:
    whole = model.hazard_covariance(5.0)

    assert np.allclose(whole, whole.T)
    assert (np.linalg.eigvalsh(whole) > 0).all()
    assert np.allclose(whole[1:, 1:], model.covariance)


def test_proportional_hazards_are_tested_as_lifelines_does(model: CoxModel) -> None:
    table = pd.DataFrame(model.x, columns=[c.name for c in model.columns]).assign(t=model.years, e=model.events)
    peer = proportional_hazard_test(judge(model), table, time_transform="rank")

    assert schoenfeld(model) == pytest.approx([peer.summary.loc[c.name, "p"] for c in model.columns], abs=0.02)


def test_a_model_without_variables_says_the_same_of_everybody(patients: TypedCohort) -> None:
    fold = split(patients, 0.3, np.random.default_rng(2))
    prepared = PRESETS["corrected"].preparation.fit(fold.training)

    risk = fit_cox(fold.training, prepared, ()).risk(fold.held_out, 5.0)

    assert len(set(risk)) == 1
    assert 0.05 < risk[0] < 0.4


@pytest.mark.parametrize(
    ("at_risk", "events", "said"), [(10, 5, ""), (9, 5, "only 9 of"), (10, 4, "only 4 events within 5 years")]
)
def test_a_horizon_needs_ten_at_risk_and_five_events(at_risk: int, events: int, said: str) -> None:
    years = np.r_[np.full(at_risk, 6.0), np.full(events, 2.0), np.full(3, 1.0)]
    happened = np.r_[np.zeros(at_risk, bool), np.ones(events, bool), np.zeros(3, bool)]

    assert at_horizon(years, happened, 5) == (at_risk, events)
    assert refusal(years, happened, 5).startswith(said)
    assert bool(refusal(years, happened, 5)) == bool(said)


def test_the_planner_warns_at_49_candidates_on_53_events() -> None:
    warned = plan(53, 49)

    assert warned is not None
    assert "1.1 events per candidate" in warned.sentence
    assert "These events carry 5 candidates; for 49 some 490 events are needed" in warned.sentence
    assert plan(53, 5) is None
