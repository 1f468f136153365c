"""Fields and segments as they are written, judged by two other readers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import hl7
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.codes import local, loinc
from shared.hl7.reading.header import Header
from shared.hl7.reading.message import Limits, parse
from shared.hl7.writing import segments as writing

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=40)


def _message(*fields: writing.Written) -> bytes:
    head = writing.header({9: writing.components("ORU", "R01"), 18: writing.text(writing.CHARACTER_SET)})
    return writing.message([head, writing.segment("NTE", dict(enumerate(fields, 1)))])


@given(TEXTS)
def test_any_text_comes_back_as_it_was(value: str) -> None:
    content = _message(writing.text("1"), writing.components("a", value, "z"))
    message = parse(content, Header.of(content), Limits())
    (note,) = message.named("NTE")
    assert note.cell(2).component(2).text() == value


@given(TEXTS)
def test_python_hl7_reads_the_same_text(value: str) -> None:
    read = hl7.parse(_message(writing.text("1"), writing.components("a", value, "z")).decode())
    written = str(next(iter(read.segments("NTE")))[2][0][1])
    assert read.unescape(written) == value


def test_the_header_states_delimiters_and_character_set() -> None:
    assert _message() == b"MSH|^~\\&|||||||ORU^R01|||||||||UNICODE UTF-8\rNTE\r"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0"), (-0.0, "0"), (1e-9, "0"), (0.25, "0.25"), (12.0, "12"), (1e7, "10000000"), (-0.1234567, "-0.123457")],
)
def test_a_number_never_has_an_exponent(value: float, shown: str) -> None:
    assert writing.number(value) == shown


def test_a_range_is_a_structured_numeric() -> None:
    assert writing.between(0.1, 0.25) == "^0.1^-^0.25"


def test_a_moment_is_written_in_utc() -> None:
    moment = datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert writing.moment(moment) == writing.moment(moment.astimezone(UTC)) == "20260228233000+0000"
    with pytest.raises(ValueError, match="zone"):
        writing.moment(datetime(2026, 3, 1))  # noqa: DTZ001


def test_a_code_may_have_an_alternate() -> None:
    assert writing.coded(loinc.PATHOLOGY_SYNOPTIC_REPORT, local.AI_ON_HE) == (
        "60568-3^Pathology Synoptic report^LN^ai_on_he^AI on H\\T\\E^99ONCORELAY"
    )


def test_sub_components_and_repetitions_are_joined_by_their_own_marks() -> None:
    inner = writing.of_components(writing.text("1"), writing.subcomponents("", "1.2.3", "ISO"))
    assert writing.repetitions(inner, writing.components("a&b", "c~d")) == "1^&1.2.3&ISO~a\\T\\b^c\\R\\d"
