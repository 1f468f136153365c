"""Laboratory values: what becomes a fact, and what a person reads where one does not. On every database."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from services.lab_consumer.formats.outcome import answered
from services.lab_consumer.handlers.questions import ListRefusals
from shared.codes import hl7_terminology, local, loinc, snomed
from shared.domain.coding import Coding
from shared.domain.facts import FactName, FactStatus
from shared.testing.fhir_resources import concept, condition, observation, patient, quantity

if TYPE_CHECKING:
    from tests.contract.lab_consumer.conftest import Laboratory

pytestmark = pytest.mark.contract

HSCRP, IL6, TNF, NEUTROPHILS = loinc.HSCRP[0], loinc.IL6[0], loinc.TNF_ALPHA[0], loinc.NEUTROPHILS[0]
SITE_IFN = Coding("urn:laboratory", "IFNA")
DRAWN = "2026-01-10T08:30:00+01:00"
CEREBROSPINAL_FLUID = snomed.code("258450006", "Cerebrospinal fluid sample")
SERUM = snomed.code("119364003", "Serum specimen")


def drawn(asked: Coding, value: Any = None, **elements: Any) -> dict[str, Any]:
    return observation("lab", asked, value, effectiveDateTime=DRAWN) | elements


SEND_MASS = "send the UCUM code of a mass concentration, such as mg/L, mg/dL, ug/L, ng/mL, ng/L or pg/mL"
SEND_CELLS = "send the UCUM code of a number of cells in a volume, such as 10*3/uL, 10*9/L or /uL"
SEND_QUANTITY = "a Quantity is needed (value, comparator, unit): text and bare numbers are not read"
ARBITRARY = f"international and other arbitrary units have no mass and are never converted: {SEND_MASS}"
FUTURE = "it lies in the future: correct the date or the time"
SEND_IL6 = "send 26881-3 (mass concentration in serum or plasma)"
NOT_PLASMA = f"49732-1 is interleukin 6 in a body fluid, not in serum or plasma: {SEND_IL6}"
SEND_TNF = "send 3074-2 (mass concentration in serum or plasma)"
DECLARE_IFN = "send the mass concentration in pg/mL under a code the site declares as ifn_alpha"
NOT_HS = (
    "1988-5 is C-reactive protein, not by a high sensitivity method: it is no hsCRP; where the method is a high "
    "sensitivity one, send 30522-7"
)
TOO_MANY = (
    "impossible: no patient has more than 500 (10*3/uL); was it counted per uL? Source of the limit: hyperleukocytosis "
    "begins at 100 x10*3/uL of all white cells (The Blood Project, 2024)"
)
TOO_MUCH = (
    "impossible: no patient has more than 1000 (mg/L); was it measured in ug/L? Source of the limit: highest of 1,260 "
    "raised values: 576 mg/L (Landry 2017, Can Fam Physician 63:e316)"
)


def without(resource: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key != name}


def text_of(lab: Laboratory, resource: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Return the status and the first issue of the OperationOutcome a sender gets."""
    lab.post(patient())
    (answer,) = lab.post(resource)
    return answer.status, answered(answer)["issue"][0]


VALUE, UNIT, CODE, WHEN = "Observation.value", "Observation.value.code", "Observation.code", "Observation.effective"
REFUSALS = [
    (drawn(SITE_IFN, quantity(3, "[IU]/mL")), 422, UNIT, ARBITRARY),
    (drawn(SITE_IFN, {"value": 3, "unit": "IU/mL"}), 422, UNIT, ARBITRARY),
    (
        drawn(NEUTROPHILS, quantity(3, "K/uL")), 422, UNIT,
        f"K/uL is kelvin per microlitre in UCUM: {SEND_CELLS}, or the unit's text alone without a system",
    ),
    (drawn(IL6, quantity(3, "10*9/L")), 422, UNIT, f"the unit measures a number of cells in a volume: {SEND_MASS}"),
    (drawn(IL6, quantity(3, "nmol/L")), 422, UNIT, f"not a unit that is read here: {SEND_MASS}"),
    (drawn(IL6, {"value": 3}), 422, UNIT, f"a number without a unit says nothing: {SEND_MASS}"),
    (
        drawn(IL6, quantity(3, "pg/mL") | {"system": "urn:units"}), 422, "Observation.value.system",
        f"a unit of another code system than UCUM is not read: {SEND_MASS}",
    ),
    (drawn(NEUTROPHILS, quantity(3000, "10*3/uL")), 422, VALUE, TOO_MANY),
    (drawn(HSCRP, quantity(3000, "mg/L")), 422, VALUE, TOO_MUCH),
    (drawn(TNF, quantity(-1, "pg/mL")), 422, VALUE, "impossible: nothing is below 0; send what was measured"),
    (drawn(loinc.code("1988-5", ""), quantity(3, "mg/L")), 200, CODE, NOT_HS),
    (drawn(loinc.code("49732-1", ""), quantity(3, "pg/mL")), 200, CODE, NOT_PLASMA),
    (
        drawn(loinc.code("99103-4", ""), quantity(3, "U/mL")), 200, CODE,
        f"99103-4 is TNF-alpha in arbitrary units per volume, which have no mass: {SEND_TNF}",
    ),
    (
        drawn(loinc.code("12731-6", ""), quantity(3, "pg/mL")), 200, CODE,
        f"12731-6 is interferon alpha without a confirmed property, mostly reported in IU/mL: {DECLARE_IFN}",
    ),
    (
        drawn(loinc.code("55458-4", ""), quantity(3, "pg/mL")), 200, CODE,
        f"55458-4 is deprecated and names an order, no result: {DECLARE_IFN}",
    ),
    (without(drawn(HSCRP, quantity(3, "mg/L")), "code"), 400, CODE, "a required element is missing"),
    (
        without(drawn(HSCRP, quantity(3, "mg/L")), "effectiveDateTime"), 422, WHEN,
        "a date is needed and none is stated: send when it was",
    ),
    (
        drawn(HSCRP, quantity(3, "mg/L"), effectiveDateTime="2026"), 422, WHEN,
        "less precise than a day: the day is needed",
    ),
    (drawn(HSCRP, quantity(3, "mg/L"), effectiveDateTime="2026-03-02T08:30:00Z"), 422, WHEN, FUTURE),
    (drawn(HSCRP, quantity(3, "mg/L"), effectiveDateTime="2027-01-01"), 422, WHEN, FUTURE),
    (drawn(HSCRP, valueString="<2.5 mg/L"), 422, VALUE, SEND_QUANTITY),
    (drawn(HSCRP, valueString="2,5"), 422, VALUE, SEND_QUANTITY),
    (drawn(HSCRP, valueInteger=3), 422, VALUE, SEND_QUANTITY),
    (
        drawn(HSCRP, quantity(3, "mg/L"), dataAbsentReason={"text": "lost"}), 422, VALUE,
        "a value and a reason why there is none are stated",
    ),
    (
        drawn(
            IL6, quantity(3, "pg/mL"), specimen={"reference": "#s"},
            contained=[{"resourceType": "Specimen", "id": "s", "type": concept(CEREBROSPINAL_FLUID)}],
        ),
        422, "Observation.specimen",
        "not measured in blood, serum or plasma: send the value of a blood specimen, or correct Specimen.type",
    ),
    (
        drawn(IL6, quantity(3, "pg/mL"), code=concept(IL6, loinc.code("49732-1", ""))), 422, CODE,
        f"two codes: {NOT_PLASMA}",
    ),
    (
        condition("c9", snomed.LUNG_METASTASIS), 422, "Condition.onset",
        "since when it is known is needed: send onsetDateTime or recordedDate",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("resource", "status", "element", "text"), REFUSALS, ids=[f"{row[2]} {row[3][:40]}" for row in REFUSALS]
)
def test_the_sender_and_the_console_read_why_it_is_no_fact(
    lab: Laboratory, resource: dict[str, Any], status: int, element: str, text: str
) -> None:
    got, issue = text_of(lab, resource)

    listed = ListRefusals(lab.store)(0)[0]
    assert (got, issue["expression"], issue["diagnostics"]) == (status, [element], text)
    assert issue["severity"] == ("error" if status >= 400 else "warning")
    assert (listed.element, listed.reason) == (element, text)
    assert lab.facts().facts == ()


def test_a_value_is_kept_with_all_that_belongs_to_it(lab: Laboratory) -> None:
    ranges = [{"low": quantity(0, "mg/dL"), "high": quantity(1, "mg/dL")}]
    lab.post(patient(), drawn(HSCRP, quantity(3, "mg/dL"), referenceRange=ranges, status="corrected"))

    (fact,) = lab.facts().facts
    assert (fact.name, fact.value, fact.unit, fact.status) == (FactName.HSCRP, "30", "mg/L", FactStatus.CORRECTED)
    assert fact.collected_time == datetime(2026, 1, 10, 7, 30, tzinfo=UTC)
    assert fact.effective_date == date(2026, 1, 10)
    assert (fact.reference_low, fact.reference_high, fact.comparator) == ("0", "10", "")
    assert fact.tumour is None


def test_a_bound_stays_a_bound(lab: Laboratory) -> None:
    lab.post(patient(), drawn(IL6, quantity(2, "pg/mL") | {"comparator": "<"}))

    (fact,) = lab.facts().facts
    assert (fact.comparator, fact.value) == ("<", "2")


def test_a_code_of_the_site_means_what_the_site_declared(lab: Laboratory) -> None:
    lab.post(patient(), drawn(SITE_IFN, {"value": 2, "unit": "pg/ml"}))

    (fact,) = lab.facts().facts
    assert (fact.name, fact.value, fact.unit) == (FactName.IFN_ALPHA, "2", "pg/mL")


def test_nobody_else_declares_a_code_of_the_site(lab: Laboratory) -> None:
    forged = concept(Coding("urn:elsewhere", "X"), Coding("urn:oncorelay:site-code", "ifn_alpha"))
    lab.post(patient(), drawn(SITE_IFN, quantity(2, "pg/mL"), code=forged))

    assert lab.facts().facts == ()


def test_a_range_that_cannot_be_read_costs_only_itself(lab: Laboratory) -> None:
    status, issue = text_of(lab, drawn(IL6, quantity(2, "pg/mL"), referenceRange=[{"high": quantity(7, "IU/mL")}]))

    assert (status, issue["severity"]) == (201, "warning")
    assert issue["diagnostics"].startswith("the range is not kept: international and other arbitrary units")
    assert lab.values(FactName.IL6) == ["2"]
    assert lab.facts().facts[0].reference_high == ""


def test_a_panel_of_components_is_several_facts(lab: Laboratory) -> None:
    parts = [
        {"code": concept(IL6), "valueQuantity": quantity(2, "pg/mL")},
        {"code": concept(SITE_IFN), "valueQuantity": quantity(1, "ng/L")},
        {"code": concept(TNF), "dataAbsentReason": concept(Coding(hl7_terminology.DATA_ABSENT_REASON, "error"))},
        {"code": concept(loinc.code("1988-5", "")), "valueQuantity": quantity(9, "mg/L")},
    ]
    status, issue = text_of(lab, drawn(loinc.code("82335-1", "panel"), component=parts))

    assert (status, issue["expression"]) == (201, ["Observation.component[3].code"])
    assert {fact.name: fact.value for fact in lab.facts().facts} == {FactName.IL6: "2", FactName.IFN_ALPHA: "1"}
    assert {fact.fact_id for fact in lab.facts().facts} == {"Observation/lab#il6", "Observation/lab#ifn_alpha"}


def test_one_bad_component_is_named_and_nothing_of_the_panel_is_a_fact(lab: Laboratory) -> None:
    parts = [
        {"code": concept(IL6), "valueQuantity": quantity(2, "pg/mL")},
        {"code": concept(TNF), "valueQuantity": quantity(2, "U/mL")},
    ]
    status, issue = text_of(lab, drawn(loinc.code("82335-1", "panel"), component=parts))

    assert (status, issue["expression"]) == (422, ["Observation.component[1].value.code"])
    assert lab.facts().facts == ()


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error", "unknown"])
def test_a_withdrawn_value_withdraws_the_fact(lab: Laboratory, status: str) -> None:
    lab.post(patient(), drawn(IL6, quantity(2, "pg/mL")))
    lab.post(drawn(IL6, quantity(2, "pg/mL"), status=status))

    assert lab.facts().facts == ()


def test_a_correction_replaces_what_it_corrects_and_one_that_cannot_be_read_ends_it(lab: Laboratory) -> None:
    lab.post(patient(), drawn(IL6, quantity(2, "pg/mL"), status="preliminary"))
    before = lab.now()
    lab.post(drawn(IL6, quantity(5, "pg/mL"), status="corrected"))
    corrected = lab.values(FactName.IL6)
    lab.post(drawn(IL6, quantity(5, "IU/mL"), status="corrected"))

    assert (lab.values(FactName.IL6, before), corrected, lab.values(FactName.IL6)) == (["2"], ["5"], [])


def test_a_specimen_that_arrives_later_and_is_no_blood_ends_the_fact(lab: Laboratory) -> None:
    fluid = {
        "resourceType": "Specimen", "id": "s", "subject": {"reference": "Patient/p1"},
        "type": concept(CEREBROSPINAL_FLUID),
    }  # fmt: skip
    lab.post(patient(), drawn(IL6, quantity(2, "pg/mL"), specimen={"reference": "Specimen/s"}))
    before = lab.values(FactName.IL6)
    (answer,) = lab.post(fluid)

    assert (before, lab.values(FactName.IL6)) == (["2"], [])
    assert "not measured in blood" in ListRefusals(lab.store)(0)[0].reason
    assert answer.status == 201
    lab.post(fluid | {"type": concept(SERUM)})
    assert lab.values(FactName.IL6) == ["2"]


def test_a_laboratory_own_code_of_a_specimen_says_nothing_against_it(lab: Laboratory) -> None:
    house = {"resourceType": "Specimen", "id": "s", "type": concept(Coding("urn:laboratory", "TUBE7"))}
    lab.post(patient(), drawn(IL6, quantity(2, "pg/mL"), specimen={"reference": "#s"}, contained=[house]))

    assert lab.values(FactName.IL6) == ["2"]


@pytest.mark.parametrize(("answer", "value"), [({"valueBoolean": True}, "yes"), ({"valueBoolean": False}, "no")])
def test_whether_endocrine_therapy_was_received_may_be_stated_as_such(
    lab: Laboratory, answer: dict[str, Any], value: str
) -> None:
    lab.post(patient(), drawn(local.ENDOCRINE_RECEIVED, **answer))

    assert lab.values(FactName.ENDOCRINE_THERAPY_RECEIVED) == [value]


def test_a_known_metastasis_is_stated_once_however_much_follows(lab: Laboratory) -> None:
    lab.post(patient(), condition("m", snomed.LUNG_METASTASIS, onsetDateTime="2025-12"))
    announced = len(lab.announcements())
    for number in range(3):
        lab.post(drawn(IL6, quantity(number, "pg/mL")))

    (fact,) = lab.facts().named(FactName.LUNG_METASTASIS)
    history = [row for row in lab.store.known(lab.facts().identity, lab.now()) if "lung_metastasis" in row.key]
    assert (fact.value, fact.effective_date, fact.source) == ("present", date(2025, 12, 1), "Condition/m")
    assert len(history) == 1
    assert fact.recorded_time < lab.facts().named(FactName.IL6)[0].recorded_time
    assert announced == 1


def test_a_refuted_metastasis_is_none(lab: Laboratory) -> None:
    refuted = concept(Coding(hl7_terminology.CONDITION_VERIFICATION, "refuted"))
    lab.post(patient(), condition("m", snomed.LUNG_METASTASIS, onsetDateTime="2025-12"))
    lab.post(condition("m", snomed.LUNG_METASTASIS, onsetDateTime="2025-12", verificationStatus=refuted))

    assert lab.facts().facts == ()


@pytest.mark.parametrize("late", ["preliminary", "registered"])
def test_what_is_not_final_yet_and_comes_late_hides_no_final_value(lab: Laboratory, late: str) -> None:
    lab.post(patient(), drawn(IL6, quantity(3, "pg/mL")))

    (answer,) = lab.post(drawn(IL6, quantity(2, "pg/mL"), status=late))

    assert answer.issues[-1].text == "an older version than the one on record: ignored"
    assert lab.values(FactName.IL6) == ["3"]
    versioned = drawn(IL6, quantity(2, "pg/mL"), status=late, meta={"versionId": "2"})
    lab.post(drawn(IL6, quantity(3, "pg/mL"), meta={"versionId": "1"}), versioned)  # whoever counts is believed
    assert lab.values(FactName.IL6) == (["2"] if late == "preliminary" else [])
