"""Header values are read exactly or not at all."""

from __future__ import annotations

from datetime import date

import pytest

from shared.dicom.header import date_of, header_of, sex_of, side_of
from shared.domain.errors import InvalidInputError
from shared.domain.identity import Sex, Side

UIDS = {0x00080016: b"1.2\0", 0x00080018: b"1.2.3", 0x0020000D: b"1.2.4", 0x0020000E: b"1.2.5"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20260115", date(2026, 1, 15)),
        ("1996.06.11", date(1996, 6, 11)),
        ("", None),
        ("20261301", None),
        ("2026", None),
    ],
)
def test_dates_are_read_or_absent(text: str, expected: date | None) -> None:
    assert date_of(text) == expected


def test_sex_and_side_are_read_or_absent() -> None:
    assert [sex_of(value) for value in ("F", "M", "O", "U", "")] == [Sex.FEMALE, Sex.MALE, Sex.OTHER, None, None]
    assert [side_of(value) for value in ("L", "R", "B", "U")] == [Side.LEFT, Side.RIGHT, Side.BOTH, None]


def test_padding_is_not_part_of_a_uid() -> None:
    assert header_of(UIDS).sop_class_uid == "1.2"


def test_something_else_than_a_uid_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="is not a UID"):
        header_of(UIDS | {0x00080018: b"../etc"})


def test_an_identifier_that_cannot_be_decoded_counts_as_absent() -> None:
    assert header_of(UIDS | {0x00100020: b"\xff\xfe"}).patient_id == ""
