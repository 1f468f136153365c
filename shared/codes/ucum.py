"""UCUM units that quantities are read in, with the exact power of ten between them.

Source: UCUM 2.2, table of prefixes and table of units (g, L and l, m, the number ten "10*" and "10^"); judged in the
tests by ``ucumvert``, which parses UCUM. Units of one property differ by a power of ten and by nothing else, so nothing
is rounded. Arbitrary units ([IU], [arb'U], U) stand in no table: no factor to a mass exists (UCUM 2.2, section 3.2).

What a laboratory writes and UCUM does not know stands in ``LOCAL_SPELLINGS``, each spelling by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Context, Decimal
from enum import StrEnum
from itertools import product

SYSTEM = "http://unitsofmeasure.org"

PERCENT = "%"
MILLIGRAM_PER_LITRE = "mg/L"
PICOGRAM_PER_MILLILITRE = "pg/mL"
YEAR = "a"
THOUSAND_PER_MICROLITRE = "10*3/uL"
CUBIC_MILLIMETRE = "mm3"
MILLIMETRE = "mm"
MILLILITRE = "mL"
NO_UNIT = "1"


class Property(StrEnum):
    """What is measured; the value is its name in a sentence."""

    FRACTION = "a percentage"
    MASS_CONCENTRATION = "a mass concentration"
    NUMBER_CONCENTRATION = "a number of cells in a volume"


_GRAMS = {"g": 0, "mg": -3, "ug": -6, "ng": -9, "pg": -12, "fg": -15}
_CUBES = {"dm3": 0, "cm3": -3, "mm3": -6}
_LITRES = {"": 0, "d": -1, "c": -2, "m": -3, "u": -6, "n": -9}
_VOLUMES: Mapping[str, int] = _CUBES | {
    prefix + litre: power for (prefix, power), litre in product(_LITRES.items(), ("L", "l"))
}
"""Volume -> power of ten of a litre."""
_NUMBERS: Mapping[str, int] = {"": 0, "1": 0, "{cells}": 0, "{#}": 0} | {
    f"10{sign}{power}": power for sign, power in product("*^", range(1, 13))
}


def _ratios(above: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    for (one, power), (volume, litres) in product(above.items(), _VOLUMES.items()):
        yield f"{one}/{volume}", power - litres


UNITS: Mapping[str, tuple[Property, int]] = (
    {PERCENT: (Property.FRACTION, 0)}
    | {unit: (Property.MASS_CONCENTRATION, power) for unit, power in _ratios(_GRAMS)}
    | {unit: (Property.NUMBER_CONCENTRATION, power) for unit, power in _ratios(_NUMBERS)}
)
"""Unit -> property, and power of ten of g/L, of 1/L, of 1 %."""

ELSEWHERE: Mapping[str, str] = {
    "K/uL": "K/uL is kelvin per microlitre in UCUM",
    "K/mm3": "K/mm3 is kelvin per cubic millimetre in UCUM",
    "G/L": "G/L is gauss per litre in UCUM",
    "G/l": "G/l is gauss per litre in UCUM",
    "MG/L": "MG/L is megagauss per litre in UCUM",
    "PG/ML": "PG/ML is petagauss per megalitre in UCUM",
}
"""Units that are valid UCUM and hardly ever meant: under the system of UCUM they say what UCUM says."""


def _spellings() -> Iterator[tuple[str, Iterable[str]]]:
    yield "mg/L", ("MG/L", "mg/liter", "mcg/mL", "\u00b5g/mL", "\u03bcg/mL")
    yield "mg/dL", ("MG/DL",)
    yield "ug/L", ("mcg/L", "\u00b5g/L", "\u03bcg/L")
    yield "ng/mL", ("NG/ML",)
    yield "ng/L", ("NG/L",)
    yield "pg/mL", ("PG/ML", "pg/milliliter")
    yield "10*9/L", (
        "x10^9/L", "x10*9/L", "x10E9/L", "x10(9)/L", "10E9/L", "10e9/L", "10(9)/L", "10**9/L", "10\u2079/L",
        "\u00d710\u2079/L", "\u00d710^9/L", "x 10^9/L", "G/L", "G/l", "Gpt/L", "Gpt/l", "GPT/L",
    )  # fmt: skip
    yield "10*3/uL", (
        "K/uL", "k/uL", "K/UL", "K/mm3", "K/cumm", "K/\u00b5L", "K/\u03bcL", "x10^3/uL", "x10*3/uL", "x10E3/uL",
        "x10(3)/uL", "10E3/uL", "10e3/uL", "10(3)/uL", "10\u00b3/uL", "\u00d710\u00b3/\u00b5L", "10^3/\u00b5L",
        "10*3/\u00b5L", "10^3/\u03bcL", "10*3/\u03bcL", "x 10^3/uL", "thou/uL", "Thou/uL", "THOU/UL", "thou/mm3",
        "Tsd/uL", "Tsd./\u00b5l", "Tsd/\u00b5l",
    )  # fmt: skip
    yield "/uL", ("cells/uL", "/\u00b5L", "/\u03bcL", "cells/\u00b5L", "cells/\u03bcL", "/cumm", "cells/mm3")


LOCAL_SPELLINGS: Mapping[str, str] = {spelling: unit for unit, spellings in _spellings() for spelling in spellings}
"""What laboratories write where they do not write UCUM -> the unit that is meant."""

_ARBITRARY = ("[IU]", "[iU]", "[arb'U]", "IU/", "U/", "kIU/", "mIU/", "uIU/", "kU/", "mU/")
_EXACT = Context(prec=80)


def property_of(unit: str) -> Property | None:
    """Return what a unit measures; None where it stands in no table."""
    found = UNITS.get(unit)
    return found[0] if found else None


def convert(value: Decimal, unit: str, to: str) -> Decimal | None:
    """Return ``value`` in the unit ``to``, exactly; None where the two units measure different things."""
    (before, power), (after, wanted) = UNITS[unit], UNITS[to]
    return _EXACT.scaleb(value, power - wanted) if before is after else None


def is_arbitrary(spelling: str) -> bool:
    """Tell whether a unit counts biological effect (international, arbitrary or enzyme units), not mass."""
    return spelling.startswith(_ARBITRARY) or "[IU]" in spelling or "[arb'U]" in spelling
