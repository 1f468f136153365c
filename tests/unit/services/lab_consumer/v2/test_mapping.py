"""What an ORU becomes in FHIR, element by element."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from services.lab_consumer.formats.v2.entries import read_entries
from services.lab_consumer.formats.v2.site import MessageSite
from services.lab_consumer.handlers.submission import UNNAMED, Submission
from shared.domain.identity import AssigningAuthority, IdentityMap
from shared.fhir.reading.shape import check_shape
from shared.hl7.reading.header import Header
from shared.hl7.reading.message import Limits, parse
from shared.testing.hl7_messages import header, message, obr, obx, oru, pid

SITE = MessageSite(
    IdentityMap((AssigningAuthority("hospital", fhir_system="http://hospital.example.org", hl7_authority="HOSP"),)),
    {"99LAB": "http://hospital.example.org/codes"},
    timezone(timedelta(hours=1)),
    datetime(2026, 2, 1, 12, 0, tzinfo=UTC),
    "",
    "",
)


def mapped(content: bytes) -> list[dict[str, Any]]:
    entries = read_entries(parse(content, Header.of(content), Limits()), SITE)
    found = []
    for entry in entries:
        assert isinstance(entry, Submission)
        assert entry.resource is not None
        check_shape(entry.resource)
        found.append(entry.resource)
    return found


def observation(*segments: str) -> dict[str, Any]:
    return mapped(oru(*segments))[1]


def test_a_patient_has_an_identifier_birth_date_and_sex_and_no_name() -> None:
    (found, _) = mapped(oru())

    assert found["id"].startswith(UNNAMED)
    del found["id"]
    assert found == {
        "resourceType": "Patient",
        "identifier": [{"system": "http://hospital.example.org", "value": "MRN1"}],
        "birthDate": "1970-03-04",
        "gender": "female",
        "meta": {"lastUpdated": "2026-01-10T12:00:00.000000+01:00"},
    }


def test_a_result_is_a_quantity_with_time_range_and_the_unit_as_it_came() -> None:
    found = observation(obx(limits="1.8 - 7.5"))

    unit = {"unit": "10*3/uL", "system": "http://unitsofmeasure.org", "code": "10*3/uL"}
    assert found["valueQuantity"] == {"value": Decimal("2.5"), **unit}
    assert found["effectiveDateTime"] == "2026-01-10T10:15:00+01:00"
    assert found["status"] == "final"
    low, high = {"value": Decimal("1.8"), **unit}, {"value": Decimal("7.5"), **unit}
    assert found["referenceRange"] == [{"low": low, "high": high, "text": "1.8 - 7.5"}]
    assert found["code"]["coding"] == [{"system": "http://loinc.org", "code": "751-8", "display": "Neutrophils"}]


@pytest.mark.parametrize(
    ("written", "quantity"),
    [
        ("pg/mL", {"value": Decimal("2.5"), "unit": "pg/mL"}),
        ("^pg per mL^99LAB", {"value": Decimal("2.5"), "unit": "pg per mL"}),
        ("pg/mL^pg/mL^L", {"value": Decimal("2.5"), "unit": "pg/mL"}),
        ("", {"value": Decimal("2.5")}),
    ],
)
def test_a_unit_that_names_no_system_is_handed_on_as_text(written: str, quantity: dict[str, Any]) -> None:
    assert observation(obx(unit=written, limits=""))["valueQuantity"] == quantity


@pytest.mark.parametrize(
    ("kind", "written", "comparator", "value"),
    [
        ("SN", "<^0.5", "<", "0.5"), ("SN", ">=^200", ">=", "200"), ("SN", "=^3", None, "3"),
        ("ST", "< 0.5", "<", "0.5"),
        ("NM", "-1.50", None, "-1.50"), ("NM", ".5", None, ".5"), ("ST", ">10", ">", "10"),
    ],
)  # fmt: skip
def test_a_limit_keeps_its_comparator(kind: str, written: str, comparator: str | None, value: str) -> None:
    found = observation(obx(written, kind=kind))["valueQuantity"]

    assert found.get("comparator") == comparator
    assert found["value"] == Decimal(value)


@pytest.mark.parametrize("written", ["negative", "2,5", "3+", "1:640", "5-10", "1e5", "NaN", "~ 5"])
def test_text_that_is_no_number_stays_text(written: str) -> None:
    found = observation(obx(written.replace("~", "\\R\\"), kind="ST"))

    assert found["valueString"] == written
    assert "valueQuantity" not in found


def test_a_coded_answer_keeps_its_code_and_the_alternate() -> None:
    found = observation(obx("LA6576-8^Positive^LN^POS^pos.^99LAB", kind="CWE"))

    codes = [(row["system"], row["code"]) for row in found["valueCodeableConcept"]["coding"]]
    assert codes == [("http://loinc.org", "LA6576-8"), ("http://hospital.example.org/codes", "POS")]


@pytest.mark.parametrize(
    ("code", "system"),
    [
        ("x^y^LN", "http://loinc.org"), ("x^y^SCT", "http://snomed.info/sct"), ("x^y^I10C", "http://hl7.org/fhir/sid/icd-10-cm"),
        ("x^y^HL70085", "http://terminology.hl7.org/CodeSystem/v2-0085"), ("x^y^L", "urn:oncorelay:hl7v2:L"),
        ("x^y", "urn:oncorelay:hl7v2:L"), ("x^y^99OTHER", "urn:oncorelay:hl7v2:99OTHER"),
    ],
)  # fmt: skip
def test_a_coding_system_becomes_its_uri_or_a_name_that_no_table_knows(code: str, system: str) -> None:
    assert observation(obx(code=code))["code"]["coding"][0]["system"] == system


def test_the_specimen_goes_along_contained() -> None:
    spm = "SPM|1|||SER^Serum^HL70487||||80248007^Left breast^SCT|||||||||20260109080000"
    found = mapped(message(header(), pid(), obr(collected=""), obx(), spm))[1]

    assert found["specimen"] == {"reference": "#specimen"}
    (specimen,) = found["contained"]
    assert specimen["type"]["coding"][0]["code"] == "SER"
    assert specimen["collection"]["bodySite"]["coding"][0]["code"] == "80248007"
    assert found["effectiveDateTime"] == "2026-01-09T08:00:00+01:00"


def test_before_version_2_5_the_specimen_is_in_the_order() -> None:
    order = obr() + "|" * 8 + "SER&Serum&HL70070^^^80248007&Left breast&SCT"
    (specimen,) = mapped(message(header(version="2.3"), pid(), order, obx()))[1]["contained"]

    assert specimen["type"]["coding"] == [
        {"system": "http://terminology.hl7.org/CodeSystem/v2-0070", "code": "SER", "display": "Serum"}
    ]
    assert specimen["collection"]["bodySite"]["coding"][0]["code"] == "80248007"


def test_of_several_specimens_none_is_taken() -> None:
    found = mapped(message(header(), pid(), obr(), obx(), "SPM|1|||SER", "SPM|2|||CSF"))[1]

    assert "contained" not in found
    assert found["effectiveDateTime"] == "2026-01-10T10:15:00+01:00"


@pytest.mark.parametrize(
    ("status", "fhir"),
    [
        ("F", "final"), ("P", "preliminary"), ("C", "corrected"), ("R", "preliminary"), ("S", "preliminary"),
        ("X", "cancelled"), ("N", "cancelled"), ("D", "entered-in-error"), ("W", "entered-in-error"),
        ("I", "registered"), ("O", "registered"),
    ],
)  # fmt: skip
def test_every_result_status_has_its_own(status: str, fhir: str) -> None:
    assert observation(obx(status=status))["status"] == fhir


def test_a_result_without_a_status_has_that_of_its_order() -> None:
    order = obr() + "|" * 18 + "C"

    assert mapped(message(header(), pid(), order, obx(status="")))[1]["status"] == "corrected"


def test_the_zone_of_the_message_holds_where_a_time_has_none() -> None:
    found = mapped(oru(obx(time="202601091200"), sent="20260110120000-0500"))[1]

    assert found["effectiveDateTime"] == "2026-01-09T12:00:00-05:00"
    assert found["meta"]["lastUpdated"] == "2026-01-10T12:00:00.000000-05:00"


def test_the_id_follows_order_number_code_and_sub_id_and_nothing_else() -> None:
    def named(*segments: str, mrn: str = "MRN1", control: str = "M1") -> str:
        found: str = mapped(message(header(control), pid(mrn), *segments))[1]["id"]
        return found

    first = named(obr(), obx())
    assert named(obr(collected="20260111"), obx("9", status="C", time="20260112"), mrn="MRN2", control="M9") == first
    others = [
        named(obr("F101^LAB"), obx()), named(obr("F100^ELSEWHERE"), obx()), named(obr(), obx(code="26499-4^x^LN")),
        named(obr(), obx(sub="2")),
    ]  # fmt: skip
    assert len({first, *others}) == 5
    assert named("ORC|RE||F100^LAB", obr("^"), obx()) != first


def test_two_patients_of_one_message_keep_their_own_results() -> None:
    content = message(header(), pid("MRN1"), obr("F1"), obx("1"), pid("MRN2"), obr("F2"), obx("2"), obx("3", sub="2"))
    found = mapped(content)

    kinds = [row["resourceType"] for row in found]
    assert kinds == ["Patient", "Observation", "Patient", "Observation", "Observation"]
    subjects = [row["subject"]["reference"] for row in found if row["resourceType"] == "Observation"]
    assert subjects == [f"Patient/{found[0]['id']}", f"Patient/{found[2]['id']}", f"Patient/{found[2]['id']}"]
