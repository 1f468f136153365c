"""One resource: kept, none of our business, or refused. Never anything else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.lab_consumer.handlers.bundle import Unpacked, unpack
from services.lab_consumer.handlers.judge import Judged, Reader, judge
from services.lab_consumer.handlers.submission import Submission, id_of
from shared.codes import atc, icd10, loinc, snomed
from shared.domain.coding import Coding
from shared.domain.facts import FactName
from shared.domain.identity import AssigningAuthority, IdentityMap
from shared.fhir.reading.json_text import JsonLimits, parse
from shared.fhir.reading.refusal import RefusedElementError
from shared.fhir.reading.site_codes import SiteCode, SiteCodes
from shared.testing.fhir_resources import (
    ER,
    HOSPITAL_SYSTEM,
    bundle,
    concept,
    condition,
    medication_request,
    observation,
    patient,
    quantity,
    specimen,
)

IDENTITIES = IdentityMap((AssigningAuthority("hospital", fhir_system=HOSPITAL_SYSTEM),))
HOUSE_CODE = Coding("urn:laboratory", "IFNA")
SITE_CODES = SiteCodes.of([SiteCode(HOUSE_CODE.system, HOUSE_CODE.code, FactName.IFN_ALPHA, "pg/mL")])
READER = Reader(IDENTITIES, datetime(2026, 3, 1, tzinfo=UTC), SITE_CODES)
SAMPLES = (
    patient(),
    condition(bodySite=[concept(snomed.LEFT_BREAST)]),
    specimen("s", snomed.LEFT_BREAST),
    observation("er", ER, loinc.POSITIVE, focus=[{"reference": "Condition/c1"}], meta={"security": [], "profile": []}),
    observation("n", loinc.NEUTROPHILS[0], quantity(3, "10*3/uL"), identifier=[{"system": "urn:lab", "value": "A1"}]),
    medication_request("m", dosageInstruction=[{"timing": {"repeat": {"boundsPeriod": {"start": "2026-02-01"}}}}]),
    {
        "resourceType": "Procedure", "id": "t", "status": "completed", "code": concept(snomed.code("64368001", "")),
        "subject": {"reference": "Patient/p1"}, "performedPeriod": {"start": "2026-02-01"}, "bodySite": [{}],
    },
    observation(
        "panel", HOUSE_CODE, quantity(3, "pg/mL") | {"comparator": "<"}, specimen={"reference": "#s"},
        contained=[{"resourceType": "Specimen", "id": "s", "type": concept(snomed.code("119364003", "Serum"))}],
        referenceRange=[{"low": {"value": 1}, "high": quantity(7, "pg/mL")}],
        component=[{"code": concept(loinc.IL6[0]), "valueQuantity": {"value": 3, "unit": "ng/L"}}],
        effectiveDateTime="2026-01-10T08:30:00Z",
    ),
    condition("m", snomed.SECONDARY_CANCER, bodySite=[concept(snomed.code("39607008", "Lung"))], onsetDateTime="2025"),
    condition("i", Coding(icd10.SYSTEM_WHO, "J18.9"), onsetPeriod={"start": "2025"}, abatementDateTime="2026-01"),
    {
        "resourceType": "MedicationStatement", "id": "h", "status": "stopped", "subject": {"reference": "Patient/p1"},
        "medicationCodeableConcept": concept(Coding(atc.SYSTEM, "L02BA01")),
        "reasonCode": [concept(snomed.ADJUVANT_INTENT)],
        "effectivePeriod": {"start": "2020-01-01", "end": "2025"},
        "extension": [{"url": "urn:x", "valueCodeableConcept": concept(snomed.ADJUVANT_INTENT)}],
    },
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("Patient/p1") | st.just("2026"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def verdict(resource: dict[str, Any]) -> Any:
    return judge(Submission(resource["resourceType"], id_of(resource), resource), READER)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample['resourceType']}/{sample.get('id')}")
def test_what_we_use_is_kept(sample: dict[str, Any]) -> None:
    judged = verdict(sample)

    assert judged.used
    assert judged.version is not None
    assert judged.version.content is not None


def test_what_we_do_not_use_is_not_kept_and_says_so() -> None:
    judged = verdict({"resourceType": "Practitioner", "id": "x", "name": [{"family": "X"}]})

    assert (judged.version, judged.used) == (None, False)
    assert "not used" in judged.note


def test_of_another_disease_only_its_absence_is_kept() -> None:
    judged = verdict(condition(code=snomed.code("48694002", "Anxiety")))

    assert judged.version is not None
    assert judged.version.content == {"resourceType": "Condition"}


def paths(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    rows = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, child in rows for found in ((*place, key), *paths(child, (*place, key)))]


def changed(sample: dict[str, Any], place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    tree = copy.deepcopy(sample)
    at: Any = tree
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    return tree


def attempted(call: Callable[[], Any]) -> Any:
    """Return what a call returns, or why it was refused; anything else is a bug."""
    try:
        return call()
    except RefusedElementError as refusal:
        return refusal


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_stands_in_a_resource_it_is_judged_or_refused(data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from(SAMPLES))
    place = data.draw(st.sampled_from([path for path in paths(sample) if path != ("resourceType",)]))
    resource = changed(sample, place, data.draw(JSON))

    answer = attempted(lambda: verdict(resource))

    assert isinstance(answer, Judged) or (answer.element and answer.reason)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_stands_in_a_bundle_it_is_unpacked_or_refused(data: st.DataObject) -> None:
    sample = bundle("transaction", *SAMPLES)
    place = data.draw(st.sampled_from([path for path in paths(sample) if len(path) < 5]))
    tree = changed(sample, place, data.draw(JSON))

    answer = attempted(lambda: unpack(tree, "", 100))

    assert isinstance(answer, Unpacked) or answer.reason


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_whatever_bytes_come_they_are_json_or_refused(data: bytes) -> None:
    answer = attempted(lambda: parse(data, JsonLimits()))

    assert isinstance(answer, dict) or answer.reason
