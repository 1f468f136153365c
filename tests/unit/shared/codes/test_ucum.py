"""Units: exact powers of ten, judged by a parser of UCUM that others wrote; what is not mass never becomes it."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ucumvert import PintUcumRegistry

from shared.codes import ucum
from shared.codes.ucum import Property

KEPT = {
    Property.FRACTION: "%",
    Property.MASS_CONCENTRATION: "pg/mL",
    Property.NUMBER_CONCENTRATION: "10*3/uL",
}
JUDGE = PintUcumRegistry()


def judged(unit: str, to: str) -> float:
    return float((1 * JUDGE.from_ucum(unit)).to(JUDGE.from_ucum(to)).magnitude)


@pytest.mark.parametrize("unit", ucum.UNITS)
def test_every_unit_is_ucum_and_its_factor_is_the_one_of_an_independent_reader(unit: str) -> None:
    measured = ucum.UNITS[unit][0]
    ours = ucum.convert(Decimal(1), unit, KEPT[measured])

    assert ours is not None
    assert float(ours) == pytest.approx(judged(unit, KEPT[measured]), rel=1e-9)


@pytest.mark.parametrize(
    ("value", "unit", "to", "kept"),
    [
        ("1.2", "mg/dL", "mg/L", "12"),
        ("12.50", "mg/L", "mg/L", "12.50"),
        ("5", "ng/L", "pg/mL", "5"),
        ("0.0021", "ng/mL", "pg/mL", "2.1"),
        ("3000", "/uL", "10*3/uL", "3.000"),
        ("3", "10*9/L", "10*3/uL", "3"),
    ],
)
def test_values_keep_their_digits(value: str, unit: str, to: str, kept: str) -> None:
    assert f"{ucum.convert(Decimal(value), unit, to):f}" == kept


@given(st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=0, max_value=10**12), st.data())
def test_there_and_back_is_the_same_value(value: Decimal, data: st.DataObject) -> None:
    units = [unit for unit, (measured, _) in ucum.UNITS.items() if measured is Property.MASS_CONCENTRATION]
    one, other = data.draw(st.sampled_from(units)), data.draw(st.sampled_from(units))

    there = ucum.convert(value, one, other)

    assert there is not None
    assert ucum.convert(there, other, one) == value


def test_what_measures_different_things_is_never_converted() -> None:
    for one, other in itertools.permutations(KEPT.values(), 2):
        assert ucum.convert(Decimal(1), one, other) is None


def test_no_arbitrary_unit_is_in_the_table() -> None:
    # The independent reader takes [IU]/mL for a number per volume, and would turn it into cells.
    assert judged("[IU]/mL", "/mL") == 1
    assert not [unit for unit in (*ucum.UNITS, *ucum.LOCAL_SPELLINGS.values()) if ucum.is_arbitrary(unit)]


@pytest.mark.parametrize("spelling", ["[IU]/mL", "IU/mL", "k[IU]/L", "U/mL", "kU/L", "[arb'U]/mL", "mIU/L"])
def test_arbitrary_units_are_known_as_such(spelling: str) -> None:
    assert ucum.is_arbitrary(spelling)
    assert ucum.property_of(spelling) is None


@pytest.mark.parametrize("spelling", ucum.LOCAL_SPELLINGS)
def test_a_local_spelling_means_a_unit_and_is_none_itself(spelling: str) -> None:
    assert ucum.LOCAL_SPELLINGS[spelling] in ucum.UNITS
    assert spelling not in ucum.UNITS


@pytest.mark.parametrize("spelling", ucum.LOCAL_SPELLINGS)
def test_a_spelling_that_ucum_reads_otherwise_is_listed_as_such(spelling: str) -> None:
    try:
        read = JUDGE.from_ucum(spelling)
    except Exception:  # noqa: BLE001 - the judge has no common base for "this is not UCUM"
        return
    meant = JUDGE.from_ucum(ucum.LOCAL_SPELLINGS[spelling])

    same = read.is_compatible_with(meant) and (1 * read).to(meant).magnitude == pytest.approx(1)
    assert same or spelling in ucum.ELSEWHERE
