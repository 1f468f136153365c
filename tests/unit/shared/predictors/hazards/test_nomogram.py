"""Points, totals and risks read off the nomogram are the model's own, within what an axis can be read to."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.predictors.hazards.columns import columns
from shared.predictors.hazards.model import Column, Hazards, Horizon, MeasuredRange, ModelInput, Values
from shared.predictors.hazards.nomogram import explain, scale_of
from shared.predictors.hazards.risks import interval, relative_log_hazard, risk
from shared.testing.cox_model import lung_hazards, lung_inputs

INPUTS = lung_inputs()
HAZARDS = lung_hazards()

VALUES: st.SearchStrategy[Values] = st.fixed_dictionaries(
    {one.name: st.sampled_from(one.levels) if one.range is None else st.floats(*one.range.ends) for one in INPUTS}
)


@st.composite
def models(draw: st.DrawFn) -> Hazards:
    """Return the shape of the lung model with other coefficients, centres and baselines."""
    ratios = draw(st.lists(st.floats(-1.5, 1.5), min_size=5, max_size=5))
    assume(any(abs(one) > 0.01 for one in ratios))
    terms = (
        Column(one.feature, one.input, one.transform, one.level, ratio, draw(st.floats(0, 3)))
        for one, ratio in zip(HAZARDS.columns, ratios, strict=True)
    )
    near = draw(st.floats(1e-4, 1.0))
    return Hazards(tuple(terms), (Horizon(5, near, (), 50, ""), Horizon(10, near * draw(st.floats(1, 4)), (), 20, "")))


@given(hazards=models(), values=VALUES)
def test_the_total_points_give_the_model_s_own_risk(hazards: Hazards, values: Values) -> None:
    found = explain(INPUTS, hazards, values)
    scale = scale_of(INPUTS, hazards)

    for horizon, given_risk in zip(hazards.horizons, found.horizons, strict=True):
        assert given_risk.probability == pytest.approx(risk(hazards, horizon, columns(hazards, values)), abs=1e-15)
        assert scale.risk(horizon, found.total) == pytest.approx(given_risk.probability, rel=1e-9, abs=1e-12)


@given(hazards=models(), values=VALUES)
def test_points_lie_from_0_to_100_and_the_widest_input_reaches_100(hazards: Hazards, values: Values) -> None:
    scale = scale_of(INPUTS, hazards)

    assert all(-1e-9 <= one.points <= 100 + 1e-9 for one in explain(INPUTS, hazards, values).points)
    assert max(scale.most(one.name) for one in INPUTS) == pytest.approx(100.0)


@given(hazards=models(), values=VALUES, to=st.sampled_from([0.1, 0.5, 1.0]))
def test_points_rounded_to_what_an_axis_shows_give_the_risk_within_that_resolution(
    hazards: Hazards, values: Values, to: float
) -> None:
    found = explain(INPUTS, hazards, values)
    scale = scale_of(INPUTS, hazards)

    read = sum(round(one.points / to) * to for one in found.points)

    off = len(found.points) * to / 2 + 1e-9
    for horizon, given_risk in zip(hazards.horizons, found.horizons, strict=True):
        low, high = scale.risk(horizon, found.total - off), scale.risk(horizon, found.total + off)
        assert low <= scale.risk(horizon, read) <= high
        assert low - 1e-12 <= (given_risk.probability or 0.0) <= high + 1e-12


@given(hazards=models(), probability=st.floats(0.001, 0.999))
def test_the_place_of_a_risk_on_its_axis_is_the_inverse_of_the_risk(hazards: Hazards, probability: float) -> None:
    scale = scale_of(INPUTS, hazards)
    horizon = hazards.horizons[0]

    assert scale.risk(horizon, scale.total(horizon, probability)) == pytest.approx(probability, rel=1e-9)


def test_a_patient_at_the_centre_of_every_column_has_the_baseline_risk() -> None:
    centre = {one.feature: one.centre for one in HAZARDS.columns}

    assert relative_log_hazard(HAZARDS, centre) == 0.0
    assert risk(HAZARDS, HAZARDS.horizons[0], centre) == pytest.approx(1 - math.exp(-0.11))


def test_the_interval_is_that_of_the_delta_method_on_the_complementary_log_log_scale() -> None:
    values: Values = {
        "endocrine_therapy_received": "no",
        "hscrp": 30.0,
        "il6": 40.0,
        "ifn_alpha": 1.0,
        "tnf_alpha": 1.0,
    }
    row = columns(HAZARDS, values)
    horizon = HAZARDS.horizons[1]

    gradient = np.array([1.0, *(row[one.feature] - one.centre for one in HAZARDS.columns)])
    spread = 1.959963984540054 * math.sqrt(gradient @ np.array(horizon.covariance) @ gradient)
    middle = math.log(-math.log(1 - risk(HAZARDS, horizon, row)))
    expected = [1 - math.exp(-math.exp(middle + sign * spread)) for sign in (-1, 1)]
    assert interval(HAZARDS, horizon, row) == pytest.approx(expected, abs=1e-12)


@given(values=VALUES)
def test_the_interval_holds_the_risk_and_stays_a_probability(values: Values) -> None:
    row = columns(HAZARDS, values)

    for horizon in HAZARDS.horizons:
        found = interval(HAZARDS, horizon, row)
        assert found
        assert 0 <= found[0] <= risk(HAZARDS, horizon, row) <= found[1] <= 1


def test_risks_rise_with_points_along_every_axis() -> None:
    scale = scale_of(INPUTS, HAZARDS)

    risks = [scale.risk(HAZARDS.horizons[0], total) for total in range(0, 400, 10)]

    assert all(a < b for a, b in pairwise(risks))


def test_the_smallest_number_the_model_is_asked_about_is_half_the_limit_of_detection() -> None:
    measured = (ModelInput("il6", "", range=MeasuredRange("pg/mL", 2.0, 10.0, 1.5)),)
    hazards = Hazards((Column("il6", "il6", "identity", "", 0.1, 3.0),), (Horizon(5, 0.1, (), 9, ""),))

    scale = scale_of(measured, hazards)

    assert scale.points("il6", 0.75) == 0.0
    assert scale.points("il6", 10.0) == pytest.approx(100.0)


def test_a_model_without_any_effect_has_no_points() -> None:
    flat = Hazards(
        tuple(Column(c.feature, c.input, c.transform, c.level, 0.0, c.centre) for c in HAZARDS.columns),
        HAZARDS.horizons,
    )

    scale = scale_of(INPUTS, flat)

    assert scale.points("il6", 5.0) == 0.0
    assert scale.risk(HAZARDS.horizons[0], 50.0) == pytest.approx(1 - math.exp(-0.11))
