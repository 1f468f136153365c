"""Local codes fit into both standards, and every reason has one."""

from __future__ import annotations

from shared.codes import dcm, local
from shared.codes.terminology import DICOM_DESIGNATORS
from shared.domain.coding import Coding
from shared.domain.prediction import NotAnalysedReason

CODES = [
    *local.REASONS.values(), *local.ASSESSMENTS.values(), *local.PROBABILITIES.values(),
    *(value for value in vars(local).values() if isinstance(value, Coding)),
]  # fmt: skip


def test_every_reason_has_a_code_of_its_own() -> None:
    assert set(local.REASONS) == set(NotAnalysedReason)
    assert len({row.code for row in local.REASONS.values()}) == len(local.REASONS)


def test_local_codes_fit_into_code_value_and_code_meaning() -> None:
    assert all(len(row.code) <= 16 and len(row.display) <= 64 for row in CODES)


def test_every_code_we_write_has_a_dicom_designator() -> None:
    rows = [*CODES, *(value for value in vars(dcm).values() if isinstance(value, Coding))]
    assert {row.system for row in rows} <= set(DICOM_DESIGNATORS)


def test_the_probability_of_cancer_is_never_used() -> None:
    assert "111047" not in {value.code for value in vars(dcm).values() if isinstance(value, Coding)}
