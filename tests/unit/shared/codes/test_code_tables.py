"""The code tables: known wrong codes stay out, and every token is one that facts may have."""

from __future__ import annotations

from shared.codes import atc, icd10, loinc, rxnorm, snomed
from shared.domain.identity import Side
from shared.fhir.reading.catalogue import CATEGORIES, QUESTIONS, STAGES

THERAPIES = {"chemotherapy", "endocrine", "her2", "radiotherapy", "surgery", "other"}


def test_the_her2_score_list_is_ll4396_9() -> None:
    # One public draft has another code for 1+; the Medizininformatik-Initiative and two mappers agree on this list.
    assert loinc.HER2_IHC_SCORES == {
        "LA6111-4": "0", "LA11841-6": "1+", "LA11842-4": "2+", "LA11843-2": "3+", "LA11884-6": "indeterminate",
    }  # fmt: skip


def test_therapies_have_known_classes() -> None:
    classes = {*rxnorm.THERAPIES.values(), *snomed.THERAPY_PROCEDURES.values(), *snomed.THERAPY_SUBSTANCES.values()}
    classes |= set(atc.THERAPIES.values())

    assert classes <= THERAPIES


def test_the_most_precise_atc_group_decides() -> None:
    assert (atc.therapy("L01FD01"), atc.therapy("L01FA01"), atc.therapy("L01")) == ("her2", "other", "other")
    assert (atc.therapy("L"), atc.therapy("L03AA02"), atc.therapy("L01DB0")) == (None, None, None)


def test_codes_have_the_form_of_their_system() -> None:
    assert all(code.isdigit() for code in (*rxnorm.THERAPIES, *snomed.TNM_VALUES, *snomed.THERAPY_PROCEDURES))


def test_snomed_codes_carry_their_check_digit() -> None:
    codes = {code for system, code in (*QUESTIONS, *CATEGORIES) if system == snomed.SYSTEM}
    codes |= {*snomed.THERAPY_PROCEDURES, *snomed.THERAPY_SUBSTANCES, *snomed.PRIMARY_BREAST_CANCERS}
    codes |= {*snomed.BREAST_SITES, *snomed.LATERALITIES}

    assert [code for code in codes if not _verhoeff(code)] == []


def test_loinc_codes_carry_their_check_digit() -> None:
    codes = {code for system, code in QUESTIONS if system == loinc.SYSTEM}
    codes |= {*loinc.HER2_IHC_SCORES, loinc.POSITIVE.code, loinc.NEGATIVE.code}

    assert [code for code in codes if not _mod10(code)] == []


def test_every_category_is_clinical_or_pathological_t_n_or_m() -> None:
    assert {(prefix, category[0]) for prefix, category in CATEGORIES.values() if prefix} <= set(STAGES)


def test_icd_10_codes_name_their_side() -> None:
    assert icd10.side(icd10.SYSTEM_CM, "C50.911") is Side.RIGHT
    assert icd10.side("http://hl7.org/fhir/sid/icd-10", "C50.911") is None


def _mod10(code: str) -> bool:
    """LOINC's check digit: Luhn, with the letters of answer codes counted as their place in ASCII after "0"."""
    text, _, check = code.partition("-")
    values = [ord(character) - ord("0") for character in reversed(text)]
    weights = [2 * value - value // 5 * 9 if place % 2 == 0 else value for place, value in enumerate(values)]
    return -sum(weights) % 10 == int(check)


_PERMUTATION = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
for _ in range(6):
    _PERMUTATION.append([_PERMUTATION[-1][d] for d in _PERMUTATION[1]])


def _times(i: int, j: int) -> int:
    """Return the product in the dihedral group of order ten."""
    if i < 5:
        return (i + j) % 5 if j < 5 else 5 + (i + j) % 5
    return 5 + (i - j) % 5 if j < 5 else (i - j) % 5


def _verhoeff(code: str) -> bool:
    """SNOMED CT's check digit (Verhoeff's dihedral check)."""
    check = 0
    for place, digit in enumerate(reversed(code)):
        check = _times(check, _PERMUTATION[place % 8][int(digit)])
    return check == 0
