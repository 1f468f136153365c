"""Patients with a blood count now and then: what an EHR holds of a laboratory, as one stream of resources."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from shared.codes import loinc
from shared.testing.fhir_resources import observation, patient, quantity

EACH = 10
"""Observations of a patient."""
_NEUTROPHILS = loinc.NEUTROPHILS[0]
_FIRST_DAY = date(2025, 1, 1)


def people(first: int, count: int) -> Iterator[dict[str, Any]]:
    """Yield ``count`` Patients from number ``first`` on, each with her Observations behind her."""
    for number in range(first, first + count):
        yield patient(f"BENCH{number}", found=f"b{number}")
        for visit in range(EACH):
            yield observation(
                f"b{number}-{visit}", _NEUTROPHILS, quantity(1.5 + (number + visit) % 60 / 10, "10*3/uL"),
                subject={"reference": f"Patient/b{number}"},
                effectiveDateTime=str(_FIRST_DAY + timedelta(days=21 * visit)),
            )  # fmt: skip


def ndjson(first: int, count: int) -> Iterator[bytes]:
    """Yield the same as lines, a patient in a piece."""
    for number in range(first, first + count):
        yield b"".join(json.dumps(row).encode() + b"\n" for row in people(number, 1))
