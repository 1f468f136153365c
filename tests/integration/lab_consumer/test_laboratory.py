"""Laboratory values through both doors: FHIR in, facts and refusals out by gRPC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.codes import loinc
from shared.domain.facts import Fact, FactName, FactStatus
from shared.phantoms.mcode import SimulatedPatient
from shared.testing.fhir_resources import HOSPITAL_SYSTEM, concept, quantity

if TYPE_CHECKING:
    from tests.integration.lab_consumer.conftest import Running

SHE = SimulatedPatient("MRN7", HOSPITAL_SYSTEM, "1970-03-04")
DRAWN = "2026-01-10T08:30:00+01:00"


def facts(lab: Running) -> dict[FactName, Fact]:
    return {fact.name: fact for fact in lab.facts("MRN7").facts}


def test_one_draw_becomes_four_facts_with_all_that_belongs_to_them(lab: Running) -> None:
    hscrp, il6, ifn, tnf = SHE.panel(("1.25", "16", "2.5", "1"), DRAWN)
    hscrp |= {"valueQuantity": quantity(1.25, "mg/dL"), "referenceRange": [{"high": {"value": 0.5}}]}
    il6["valueQuantity"]["comparator"] = "<"
    tnf |= {"valueQuantity": {"value": 1, "unit": "ng/l"}, "status": "preliminary"}
    answers = [lab.post(resource) for resource in (SHE.patient(), hscrp, il6, ifn, tnf)]

    found = facts(lab)
    assert [answer.status_code for answer in answers] == [201] * 5
    assert {fact.collected_time for fact in found.values()} == {datetime(2026, 1, 10, 7, 30, tzinfo=UTC)}
    assert {name: f"{fact.comparator}{fact.value} {fact.unit}" for name, fact in found.items()} == {
        FactName.HSCRP: "12.5 mg/L",
        FactName.IL6: "<16 pg/mL",
        FactName.IFN_ALPHA: "2.5 pg/mL",
        FactName.TNF_ALPHA: "1 pg/mL",
    }
    assert (found[FactName.HSCRP].reference_low, found[FactName.HSCRP].reference_high) == ("", "5")
    assert found[FactName.TNF_ALPHA].status is FactStatus.PRELIMINARY


def test_therapy_and_diseases_travel_with_intent_onset_and_end(lab: Running) -> None:
    over = SHE.infection("2026-01-02") | {"abatementDateTime": "2026-01-09"}
    tamoxifen = SHE.endocrine_therapy("2020-01-01", "2025-01-31")
    for resource in (SHE.patient(), tamoxifen, SHE.lung_metastasis("2025-12-24"), over):
        assert lab.post(resource).status_code == 201

    found = facts(lab)
    therapy, infection = found[FactName.THERAPY], found[FactName.ACTIVE_INFECTION]
    assert (therapy.value, therapy.intent, therapy.end_date) == ("endocrine", "adjuvant", date(2025, 1, 31))
    assert (infection.effective_date, infection.end_date) == (date(2026, 1, 2), date(2026, 1, 9))
    assert found[FactName.LUNG_METASTASIS].effective_date == date(2025, 12, 24)


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        ({"valueQuantity": quantity(3, "[IU]/mL")}, 422, "arbitrary units have no mass and are never converted"),
        ({"valueQuantity": quantity(3, "K/uL")}, 422, "K/uL is kelvin per microlitre in UCUM"),
        ({"valueQuantity": quantity(3_000_000, "pg/mL")}, 422, "no patient has more than 1000000 (pg/mL)"),
        ({"effectiveDateTime": (datetime.now(UTC) + timedelta(days=2)).isoformat()}, 422, "it lies in the future"),
        ({"effectiveDateTime": "2026-01"}, 422, "less precise than a day"),
        ({"code": concept(loinc.code("49732-1", ""))}, 200, "49732-1 is interleukin 6 in a body fluid"),
        ({"code": concept(loinc.code("1988-5", ""))}, 200, "1988-5 is C-reactive protein, not by a high sensitivity"),
    ],
)
def test_what_is_no_fact_is_told_to_the_sender_and_listed(
    lab: Running, change: dict[str, Any], status: int, sentence: str
) -> None:
    lab.post(SHE.patient())
    lab.post(SHE.il6("5", DRAWN))
    answer = lab.post(SHE.il6("5", DRAWN) | change)

    (refusal,) = lab.grpc.list_refusals()
    issue = answer.json()["issue"][0]
    assert (answer.status_code, issue["diagnostics"]) == (status, refusal["reason"])
    assert sentence in refusal["reason"]
    assert facts(lab) == {}, "the correction took the place of what was there"


def test_a_value_entered_in_error_is_gone(lab: Running) -> None:
    lab.post(SHE.patient())
    lab.post(SHE.il6("5", DRAWN))
    before = facts(lab)
    lab.post(SHE.il6("5", DRAWN) | {"status": "entered-in-error"})

    assert list(before) == [FactName.IL6]
    assert facts(lab) == {}
