"""How a risk in time is told: the horizon first, the interval beside it, small numbers never as zero."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.results.deliver.formats import horizons, wording
from shared.domain.facts import FactName
from shared.domain.prediction import HorizonRisk
from tests.panels import FIVE, ONLY_FIVE, OUTCOME, Panels


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (HorizonRisk(5, 0.1234, (0.081, 0.184)), "5-year risk of lung metastasis 12.3 % (95 % 8.1 to 18.4)"),
        (HorizonRisk(5, 0.001, (0.0001, 0.02)), "5-year risk of lung metastasis 0.1 % (95 % below 0.1 to 2.0)"),
        (HorizonRisk(5, 0.99, (0.9, 0.9999)), "5-year risk of lung metastasis 99.0 % (95 % 90.0 to above 99.9)"),
        (HorizonRisk(10, 0.5), "10-year risk of lung metastasis 50.0 %"),
        (HorizonRisk(10, None, refused="Too few."), "10-year risk of lung metastasis: not given. Too few."),
    ],
)
def test_a_horizon_is_told_with_its_interval_or_its_refusal(row: HorizonRisk, text: str) -> None:
    assert horizons.risk(OUTCOME, row) == text


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0.0, "0.0 %"), (0.0001, "below 0.1 %"), (0.0005, "0.1 %"), (0.99951, "above 99.9 %"), (1.0, "100.0 %")],
)
def test_what_is_not_zero_is_not_told_as_zero(probability: float, text: str) -> None:
    assert horizons.rounded(probability) == text


def test_an_unfavourable_event_is_called_a_risk_and_a_favourable_one_is_not() -> None:
    assert horizons.risk_name(OUTCOME, 5) == "5-year risk of lung metastasis"
    assert horizons.risk_name(replace(OUTCOME, favourable=True), 5) == "5-year probability of lung metastasis"
    assert "This is an unfavourable event." in " ".join(horizons.sentences(Panels().answer()))


def test_the_complement_stands_beside_each_number_and_beside_no_refusal() -> None:
    first, second, *_ = horizons.sentences(Panels(horizons=ONLY_FIVE).answer())
    assert first.endswith("no lung metastasis within 5 years: 87.7 %.")
    assert "no lung metastasis" not in second


def test_a_limit_the_laboratory_gave_is_said_beside_the_value_used() -> None:
    finding = Panels().prediction()
    assert finding.pins is not None
    facts = tuple(
        replace(fact, comparator="<", value="2.0") if fact.name is FactName.IL6 else fact for fact in finding.pins.facts
    )
    lines = list(wording.input_lines(replace(finding, pins=replace(finding.pins, facts=facts))))
    assert "IL-6 = 18.3 pg/mL (2026-02-26, 2 days before this result, reported as <2.0 pg/mL," in lines[2]


def test_the_points_add_up_to_the_total() -> None:
    answer = Panels().answer()
    assert horizons.total(answer) == sum(row.points for row in answer.points)
    assert horizons.points(answer) == "Total on the nomogram: 99.5 points."
    assert horizons.given(answer)[0][1] == FIVE
