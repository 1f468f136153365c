"""What a study states is what its instances agree on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from services.dicom_listener.handlers.study import fingerprint_of, request_id_of, study_of
from services.dicom_listener.ports.records import InstanceStored, StudyCompleted
from shared.domain.identity import AssigningAuthority, IdentityMap, PatientIdentity, Sex, Side
from shared.domain.study import Study

MAP = IdentityMap((AssigningAuthority("hospital", dicom_issuer="HOSP"),))
ONE = InstanceStored(
    "1.1", 1, "1.2.840", "1.9", "1.8", "MR", "c1", "i1", "file:///x", "PACS", "2026-01-15T10:00:00+00:00",
    patient_id="P1", issuer="HOSP", birth_date="19650102", sex="F", study_date="20260115", body_part="breast",
    laterality="L",
)  # fmt: skip
TWO = replace(ONE, sop_instance_uid="1.2", content_digest="c2")
COMPLETED = StudyCompleted("1.9", 1, "ff", "association_released", "released", "2026-01-15T10:01:00+00:00", "PACS")


def _study(*instances: InstanceStored) -> Study:
    return study_of(instances, COMPLETED, MAP)


def test_attributes_all_agree_on_are_stated() -> None:
    study = _study(ONE, TWO)

    assert study.identity == PatientIdentity("hospital", "P1")
    assert (study.demographics.birth_date, study.demographics.sex) == (date(1965, 1, 2), Sex.FEMALE)
    assert (study.study_date, study.body_part, study.side) == (date(2026, 1, 15), "BREAST", Side.LEFT)
    assert study.conflicts == ()


@pytest.mark.parametrize(
    ("change", "conflict"),
    [
        ({"patient_id": "P2"}, "PatientID"),
        ({"patient_id": ""}, "PatientID"),
        ({"issuer": "OTHER"}, "IssuerOfPatientID"),
        ({"birth_date": "19700101"}, "PatientBirthDate"),
        ({"sex": "M"}, "PatientSex"),
    ],
)
def test_two_patients_in_one_study_are_a_conflict_and_nobody(change: dict[str, str], conflict: str) -> None:
    study = _study(ONE, replace(TWO, **change))  # type: ignore[arg-type]

    assert study.conflicts == (conflict,)
    assert study.identity is None


def test_an_absent_birth_date_contradicts_nothing() -> None:
    assert _study(ONE, replace(TWO, birth_date="")).conflicts == ()


def test_a_missing_patient_id_leaves_the_study_without_identity() -> None:
    study = _study(replace(ONE, patient_id=""))

    assert (study.identity, study.conflicts) == (None, ())


@pytest.mark.parametrize("patient_id", ["1" * 129, "P1\x00", "P1\n", "P\x1b1"])
def test_a_patient_id_that_cannot_be_one_leaves_the_study_without_identity(patient_id: str) -> None:
    study = _study(replace(ONE, patient_id=patient_id))

    assert (study.identity, study.conflicts) == (None, ())


def test_an_issuer_the_site_does_not_map_leaves_the_study_without_identity() -> None:
    assert _study(replace(ONE, issuer="ELSEWHERE")).identity is None


@pytest.mark.parametrize("other", ["R", ""])
def test_a_side_that_not_every_image_states_is_left_open(other: str) -> None:
    assert _study(ONE, replace(TWO, laterality=other)).side is None


def test_an_object_about_the_images_need_not_state_a_side() -> None:
    assert _study(ONE, replace(TWO, modality="SR", laterality="", body_part="")).side is Side.LEFT


def test_several_body_parts_are_all_stated() -> None:
    assert _study(ONE, replace(TWO, body_part="CHEST")).body_part == "BREAST\\CHEST"


def test_the_fingerprint_ignores_order_and_sees_identity() -> None:
    assert fingerprint_of([ONE, TWO]) == fingerprint_of([TWO, ONE])
    assert fingerprint_of([ONE]) != fingerprint_of([replace(ONE, identity_digest="i2")])


def test_a_completion_keeps_its_request_id_and_the_next_gets_another() -> None:
    assert request_id_of(COMPLETED) == request_id_of(replace(COMPLETED, detail="other words"))
    assert request_id_of(COMPLETED) != request_id_of(replace(COMPLETED, ordinal=2))
