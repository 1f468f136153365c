"""Dynamic AUC, C, Brier and decision curves against scikit-survival and dcurves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from dcurves import dca
from sksurv.metrics import (
    brier_score as peer_brier,
)
from sksurv.metrics import (
    concordance_index_censored,
    concordance_index_ipcw,
    cumulative_dynamic_auc,
    integrated_brier_score,
)
from sksurv.util import Surv

from services.model_factory.handlers.statistics.brier import (
    brier,
    brier_score,
    integrated_brier,
    integrated_brier_with_interval,
)
from services.model_factory.handlers.statistics.concordance import (
    harrell,
    harrell_with_interval,
    uno,
    uno_with_interval,
)
from services.model_factory.handlers.statistics.decision_curve import (
    binary_decision_curve,
    decision_curve,
    net_benefit,
)
from services.model_factory.handlers.statistics.dynamic_auc import dynamic_auc, dynamic_auc_with_interval, dynamic_roc
from tests.unit.services.model_factory.statistics.cohorts import Simulated, simulated


@pytest.fixture
def patients() -> Simulated:
    return simulated(1)


@pytest.mark.parametrize("horizon", [2.0, 5.0, 9.0])
def test_the_dynamic_auc_is_scikit_survivals(patients: Simulated, horizon: float) -> None:
    outcome = Surv.from_arrays(patients.event, patients.time)
    scored = np.round(patients.linear, 1)
    peer, _ = cumulative_dynamic_auc(outcome, outcome, scored, [horizon])
    assert dynamic_auc(patients.time, patients.event, scored, horizon) == pytest.approx(peer[0], abs=1e-10)


def test_without_censoring_the_dynamic_auc_is_the_plain_one_and_the_area_under_its_curve() -> None:
    rng = np.random.default_rng(2)
    time, risk = rng.exponential(5, 200), rng.integers(0, 20, 200) / 20
    false, true = dynamic_roc(time, np.ones(200, dtype=np.bool_), risk, 4.0)
    found = dynamic_auc(time, np.ones(200, dtype=np.bool_), risk, 4.0)
    pairs = (risk[time <= 4.0][:, None] > risk[time > 4.0]) + 0.5 * (risk[time <= 4.0][:, None] == risk[time > 4.0])
    assert found == pytest.approx(pairs.mean())
    assert float(np.trapezoid(true, false)) == pytest.approx(found)
    assert (false[-1], true[-1]) == (1.0, 1.0)


def test_the_interval_of_the_auc_covers_the_truth_of_large_cohorts() -> None:
    big = simulated(3, n=40_000)
    truth = dynamic_auc(big.time, big.event, big.linear, 5.0)
    covered = 0
    for seed in range(30):
        one = simulated(100 + seed, n=120)
        rng = np.random.default_rng(seed)
        low, high = dynamic_auc_with_interval(one.time, one.event, one.linear, 5.0, rng, repeats=150).interval
        covered += low <= truth <= high
    assert covered >= 25


def test_a_horizon_that_nobody_reached_or_that_saw_no_event_is_refused(patients: Simulated) -> None:
    with pytest.raises(ValueError, match="nobody is followed beyond 13 years"):
        dynamic_auc(patients.time, patients.event, patients.linear, 13.0)
    with pytest.raises(ValueError, match="no event within"):
        dynamic_auc(patients.time, patients.event, patients.linear, 1e-6)


@pytest.mark.parametrize("step", [0.0, 0.5])
def test_harrells_c_is_scikit_survivals_with_ties_in_time_and_risk(step: float) -> None:
    one = simulated(4, step=step)
    scored = np.round(one.linear, 1)
    peer = concordance_index_censored(one.event, one.time, scored)[0]
    assert harrell(one.time, one.event, scored) == pytest.approx(peer, abs=1e-12)


def test_unos_c_is_scikit_survivals(patients: Simulated) -> None:
    outcome = Surv.from_arrays(patients.event, patients.time)
    for tau in (4.0, 8.0):
        peer = concordance_index_ipcw(outcome, outcome, patients.linear, tau)[0]
        assert uno(patients.time, patients.event, patients.linear, tau) == pytest.approx(peer, abs=1e-10)


def test_concordance_comes_with_an_interval_around_it(patients: Simulated) -> None:
    rng = np.random.default_rng(5)
    plain = harrell_with_interval(patients.time, patients.event, patients.linear, rng, repeats=100)
    weighted = uno_with_interval(patients.time, patients.event, patients.linear, 8.0, rng, repeats=100)
    for found in (plain, weighted):
        assert 0.6 < found.interval[0] < found.value < found.interval[1] < 0.9
        assert "100 resamples" in found.method


def test_resampling_takes_whole_patients() -> None:
    one = simulated(6, n=60)
    twice = np.repeat(np.arange(60), 2)
    time, event, risk = one.time[twice], one.event[twice], one.linear[twice]
    rng = np.random.default_rng
    whole = dynamic_auc_with_interval(time, event, risk, 5.0, rng(7), patients=twice, repeats=300).interval
    single = dynamic_auc_with_interval(one.time, one.event, one.linear, 5.0, rng(7), repeats=300).interval
    rows = dynamic_auc_with_interval(time, event, risk, 5.0, rng(7), repeats=300).interval
    assert whole == pytest.approx(single, abs=0.03)
    assert rows[1] - rows[0] < 0.85 * (whole[1] - whole[0])


def test_brier_and_its_integral_are_scikit_survivals(patients: Simulated) -> None:
    outcome = Surv.from_arrays(patients.event, patients.time)
    times = np.linspace(1.0, 9.0, 17)
    risks = np.column_stack([patients.risk(float(at)) for at in times])
    _, scores = peer_brier(outcome, outcome, 1 - risks, times)
    found = [brier_score(patients.time, patients.event, risks[:, i], float(at)) for i, at in enumerate(times)]
    np.testing.assert_allclose(found, scores, atol=1e-10)
    whole = integrated_brier_score(outcome, outcome, 1 - risks, times)
    assert integrated_brier(patients.time, patients.event, risks, times) == pytest.approx(whole, abs=1e-10)


def test_the_true_risk_scores_better_than_everybodys(patients: Simulated) -> None:
    found = brier(patients.time, patients.event, patients.risk(5.0), 5.0, np.random.default_rng(8), repeats=100)
    assert found.score.value < found.of_nobody.value
    assert found.scaled.interval[0] > 0
    with pytest.raises(ValueError, match="two times"):
        integrated_brier(patients.time, patients.event, patients.risk(5.0)[:, None], np.array([5.0]))


def test_the_integrated_score_of_the_true_risk_beats_everybodys_and_needs_follow_up(patients: Simulated) -> None:
    rng, times = np.random.default_rng(12), np.linspace(0.0, 8.0, 9)
    risks = np.column_stack([patients.risk(float(at)) for at in times])
    found = integrated_brier_with_interval(patients.time, patients.event, risks, times, rng, 50)
    whole = integrated_brier(patients.time, patients.event, risks, times)
    assert found.score.value == whole
    assert found.score.interval[0] < whole < found.score.interval[1]
    assert found.scaled.value == pytest.approx(1 - whole / found.of_nobody.value)
    assert found.scaled.interval[0] > 0
    beyond = times * 100
    with pytest.raises(ValueError, match="nobody is followed beyond"):
        integrated_brier_with_interval(patients.time, patients.event, risks, beyond, rng, 5)


def test_net_benefit_under_censoring_is_dcurves(patients: Simulated) -> None:
    thresholds = np.array([0.1, 0.2, 0.3, 0.5])
    frame = pd.DataFrame({"t": patients.time, "e": patients.event.astype(int), "risk": patients.risk(5.0)})
    peer = dca(frame, "e", ["risk"], thresholds=thresholds, time=5.0, time_to_outcome_col="t")
    expected = {name: peer[peer["model"] == name].sort_values("threshold")["net_benefit"] for name in ("risk", "all")}
    found = decision_curve(
        patients.time,
        patients.event,
        patients.risk(5.0),
        5.0,
        "biopsy",
        np.random.default_rng(9),
        thresholds=thresholds,
        repeats=50,
    )
    np.testing.assert_allclose(found.model, expected["risk"], atol=1e-9)
    np.testing.assert_allclose(found.treat_all, expected["all"], atol=1e-9)
    assert (found.low <= found.model).all()
    assert (found.model <= found.high).all()


def test_net_benefit_of_a_known_outcome_is_dcurves(patients: Simulated) -> None:
    event = patients.time < 3.0
    thresholds = np.array([0.05, 0.25, 0.4])
    peer = dca(pd.DataFrame({"e": event.astype(int), "risk": patients.risk(3.0)}), "e", ["risk"], thresholds=thresholds)
    expected = peer[peer["model"] == "risk"].sort_values("threshold")["net_benefit"]
    found = binary_decision_curve(
        event, patients.risk(3.0), "staging CT", np.random.default_rng(10), thresholds=thresholds, repeats=20
    )
    np.testing.assert_allclose(found.model, expected, atol=1e-12)
    assert found.horizon is None


def test_a_decision_curve_names_its_action_and_acting_on_nobody_is_worth_nothing(patients: Simulated) -> None:
    with pytest.raises(ValueError, match="names the action"):
        decision_curve(
            patients.time, patients.event, patients.risk(5.0), 5.0, " ", np.random.default_rng(11), repeats=2
        )
    assert net_benefit(patients.time, patients.event, np.zeros(300), 5.0, np.array([0.3])).tolist() == [0.0]
