"""Identifiers are matched exactly, through the site's map, and never by guess."""

from __future__ import annotations

from datetime import date

import pytest

from shared.domain.identity import AssigningAuthority, Demographics, IdentityMap, PatientIdentity, Sex

MAP = IdentityMap(
    (
        AssigningAuthority("hospital", "HOSP", "http://hospital.example.org"),
        AssigningAuthority("clinic", "", "http://clinic.example.org"),
        AssigningAuthority("laboratory", None, "http://laboratory.example.org"),
    )
)


def test_the_same_patient_is_found_from_both_sides() -> None:
    assert (
        MAP.from_dicom("1", "HOSP")
        == MAP.from_fhir("http://hospital.example.org", "1")
        == PatientIdentity("hospital", "1")
    )


def test_an_identifier_without_issuer_belongs_to_the_authority_that_sends_none() -> None:
    assert MAP.from_dicom("1", "") == PatientIdentity("clinic", "1")


@pytest.mark.parametrize(("patient_id", "issuer"), [("1", "OTHER"), ("1", "hosp"), ("", "HOSP"), ("1", "HOSP ")])
def test_what_is_not_in_the_map_letter_by_letter_is_nobody(patient_id: str, issuer: str) -> None:
    assert MAP.from_dicom(patient_id, issuer) is None


@pytest.mark.parametrize("value", ["1" * 129, "1\x00", "1\n2", "1\x7f", "1\ud800"])
def test_what_is_too_long_or_holds_control_characters_identifies_nobody(value: str) -> None:
    assert MAP.from_dicom(value, "HOSP") is None
    assert MAP.from_fhir("http://hospital.example.org", value) is None
    with pytest.raises(ValueError, match="a patient identity has"):
        PatientIdentity("hospital", value)


@pytest.mark.parametrize("value", ["1" * 128, "MRN 1", "Ä-1", "患者1"])
def test_an_identifier_is_taken_as_it_is(value: str) -> None:
    assert MAP.from_dicom(value, "HOSP") == PatientIdentity("hospital", value)


@pytest.mark.parametrize("name", ["", "a" * 129, "a\n"])
def test_an_authority_under_which_nobody_could_be_known_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a patient identity"):
        IdentityMap((AssigningAuthority(name, "X"),))


@pytest.mark.parametrize(
    "rows",
    [
        (AssigningAuthority("a", "X"), AssigningAuthority("b", "X")),
        (AssigningAuthority("a", ""), AssigningAuthority("b", "")),
        (AssigningAuthority("a", None, "http://x"), AssigningAuthority("b", None, "http://x")),
        (AssigningAuthority("a"), AssigningAuthority("a")),
    ],
)
def test_a_map_that_could_mean_two_authorities_is_refused(rows: tuple[AssigningAuthority, ...]) -> None:
    with pytest.raises(ValueError, match="two assigning authorities share"):
        IdentityMap(rows)


def test_only_what_both_sides_state_can_contradict() -> None:
    images, record = Demographics(date(1970, 1, 1), None), Demographics(date(1970, 1, 2), Sex.FEMALE)

    assert images.contradictions(record) == ("birth date",)
    assert Demographics().contradictions(record) == ()
