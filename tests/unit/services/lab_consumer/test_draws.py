"""Which values are of one draw."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from services.lab_consumer.handlers.draws import Draw, draws
from services.lab_consumer.ports.panels import Measured
from shared.domain.facts import FactName

CRP, IL6, IFN, TNF = FactName.HSCRP, FactName.IL6, FactName.IFN_ALPHA, FactName.TNF_ALPHA
GROUP = frozenset({CRP, IL6, IFN, TNF})
NAMES = {name.value for name in GROUP}
WEEK = timedelta(days=7)
FIRST = date(2026, 3, 1)


def value(name: FactName, day: int, number: int = 0) -> Measured:
    return Measured(f"Observation/{name}-{day}-{number}#{name}", name.value, FIRST + timedelta(days=day))


def found(*values: Measured) -> list[tuple[int, int, int]]:
    """Return first day, last day and number of analytes of each draw."""
    rows = draws(values, NAMES, WEEK, lambda run: True)
    return [((row.first - FIRST).days, (row.last - FIRST).days, len(row.analytes)) for row in rows]


def whole(day: int) -> list[Measured]:
    return [value(name, day) for name in sorted(GROUP)]


def test_values_a_week_apart_are_one_draw_and_a_day_more_makes_two() -> None:
    assert found(value(CRP, 0), value(IL6, 7)) == [(0, 7, 2)]
    assert found(value(CRP, 0), value(IL6, 8)) == [(0, 0, 1), (8, 8, 1)]


def test_a_stray_value_before_a_complete_draw_takes_nothing_away_from_it() -> None:
    assert found(*whole(10), value(CRP, 4)) == [(10, 10, 4)]


def test_a_late_analyte_completes_the_draw_of_its_week() -> None:
    assert found(value(IL6, 10), value(IFN, 10), value(TNF, 11), value(CRP, 15)) == [(10, 15, 4)]


def test_a_repeat_nearer_to_the_rest_of_the_draw_makes_it_shorter() -> None:
    assert found(value(IL6, 10), value(IFN, 10), value(TNF, 10), value(CRP, 15), value(CRP, 11)) == [(10, 11, 4)]


def test_a_value_repeated_every_day_is_one_question_in_eight_days() -> None:
    assert [row[0] for row in found(*(value(CRP, day) for day in range(24)))] == [0, 8, 16]


def test_two_complete_draws_within_a_week_are_two_questions() -> None:
    assert found(*whole(0), *whole(3)) == [(0, 0, 4), (3, 3, 4)]


def test_a_follow_up_months_later_is_a_draw_of_its_own() -> None:
    assert found(*whole(0), *whole(90)) == [(0, 0, 4), (90, 90, 4)]


def test_an_analyte_that_is_too_far_from_a_draw_to_be_of_it_is_not_lost() -> None:
    assert found(value(CRP, 1), value(IL6, 7), value(IFN, 14)) == [(1, 7, 2), (14, 14, 1)]


def test_what_is_no_analyte_makes_no_draw() -> None:
    assert found(value(FactName.NEUTROPHILS, 0)) == []


def test_a_run_nobody_wants_is_not_looked_at() -> None:
    late = FIRST + timedelta(days=30)
    rows = draws([*whole(0), *whole(60)], NAMES, WEEK, lambda run: run.last >= late)

    assert [row.first for row in rows] == [FIRST + timedelta(days=60)]


_VALUES = st.lists(st.tuples(st.sampled_from(sorted(GROUP)), st.integers(0, 60)), max_size=40)


@given(_VALUES, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(rows: list[tuple[FactName, int]], random: Random) -> None:
    values = [value(name, day, number) for number, (name, day) in enumerate(rows)]
    shuffled = list(values)
    random.shuffle(shuffled)

    assert draws(values, NAMES, WEEK, lambda run: True) == draws(shuffled, NAMES, WEEK, lambda run: True)


@given(_VALUES)
def test_draws_are_no_longer_than_a_week_share_no_value_and_leave_no_analyte_that_would_fit(
    rows: list[tuple[FactName, int]],
) -> None:
    values = [value(name, day, number) for number, (name, day) in enumerate(rows)]
    made = draws(values, NAMES, WEEK, lambda run: True)
    used = [fact for row in made for fact in row.facts]

    assert all(row.last - row.first <= WEEK for row in made)
    assert len(used) == len(set(used))
    for left in (one for one in values if one.fact_id not in used):
        assert any(_could_be_of(left, row) and left.name in row.analytes for row in made)


def _could_be_of(one: Measured, row: Draw) -> bool:
    return row.last - WEEK <= one.effective_date <= row.first + WEEK
