"""UCUM units that quantities are read in, with the exact factor to the unit we keep.

Source: the UCUM essence (checked with ``@lhncbc/ucum-lhc`` 7.1.9). ``K/uL`` is valid UCUM and means kelvin per
microlitre: laboratories that write it for kilo-cells are refused with that explanation, not converted by guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

SYSTEM = "http://unitsofmeasure.org"

PERCENT = "%"
YEAR = "a"
THOUSAND_PER_MICROLITRE = "10*3/uL"

TO_PERCENT: Mapping[str, Decimal] = {PERCENT: Decimal(1)}
TO_THOUSAND_PER_MICROLITRE: Mapping[str, Decimal] = {
    THOUSAND_PER_MICROLITRE: Decimal(1),
    "10*3/mm3": Decimal(1),  # 1 mm3 = 1 uL
    "10*9/L": Decimal(1),
    "10*6/L": Decimal("0.001"),
    "/uL": Decimal("0.001"),
}

KELVIN_PER_MICROLITRE = "K/uL"
