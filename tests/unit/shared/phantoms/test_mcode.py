"""A simulated patient's resources are FHIR R4, and can be sent as they are."""

from __future__ import annotations

import json

from shared.fhir.reading.shape import check_shape
from shared.phantoms.mcode import SimulatedPatient

PATIENT = SimulatedPatient("SIM-1", "http://hospital.example.org", "1970-05-17")
TIME = "2026-01-10T08:30:00+01:00"


def test_every_resource_has_the_shape_of_its_type_and_is_json() -> None:
    resources = [
        PATIENT.patient(), PATIENT.condition(), PATIENT.lung_metastasis("2026-01-01"), PATIENT.infection("2026-01-01"),
        PATIENT.rheumatic_disease("2020-01-01"), *PATIENT.panel(("12.5", "16", "2.1", "1"), TIME),
        PATIENT.endocrine_therapy("2020-01-01"), PATIENT.endocrine_therapy("2020-01-01", "2025-01-01"),
        PATIENT.endocrine_received(True, "2026-01-10"),
    ]  # fmt: skip

    for resource in resources:
        check_shape(json.loads(json.dumps(resource)))


def test_two_draws_are_eight_resources() -> None:
    draws = [PATIENT.panel(("1", "2", "3", "4"), TIME, draw) for draw in ("", "2")]

    assert len({row["id"] for draw in draws for row in draw}) == 8
