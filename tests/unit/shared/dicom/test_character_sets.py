"""Text under every character set, right, wrong or missing: read exactly or shown as it is, and never an obstacle."""

from __future__ import annotations

from copy import deepcopy
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from shared.dicom.character_sets import Text, character_sets_of
from shared.dicom.fingerprint import Fingerprint, fingerprint
from shared.dicom.header import header_of
from shared.dicom.part10 import data_set_start
from shared.testing.dicom import encoded, small_series

UIDS = {0x00080016: b"1.2\0", 0x00080018: b"1.2.3", 0x0020000D: b"1.2.4", 0x0020000E: b"1.2.5"}
YAMADA = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"
"""PS3.5 annex H.3.1, example 1."""


@pytest.mark.parametrize(
    ("terms", "value", "expected"),
    [
        (b"ISO_IR 100", "Äneas^Rüdiger".encode("latin-1"), "Äneas^Rüdiger"),  # PS3.5 annex I: one byte, no extension
        (b"ISO_IR 101 ", "Wałęsa".encode("iso8859_2"), "Wałęsa"),
        (b"ISO_IR 144", "Люкceмбypг".encode("iso8859_5"), "Люкceмбypг"),
        (b"ISO_IR 192", "Wang^XiaoDong=王^小东".encode(), "Wang^XiaoDong=王^小东"),  # annex J.1
        (b"GB18030", "Wang^XiaoDong=王^小东".encode("gb18030"), "Wang^XiaoDong=王^小东"),  # annex J.2
        (b"GBK", "王^小东".encode("gbk"), "王^小东"),
        (b"ISO_IR 13", "ﾔﾏﾀﾞ^ﾀﾛｳ".encode("shift_jis"), "ﾔﾏﾀﾞ^ﾀﾛｳ"),
        (b"\\ISO 2022 IR 87", YAMADA, "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        (b"ISO 2022 IR 100\\ISO 2022 IR 144", b"\xc4neas^\x1b-L\xbb\xee\xda", "Äneas^Люк"),
        (b"\\ISO 2022 IR 149", b"Hong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7", "Hong=洪^吉洞"),  # annex I.2
        (b"", b"Doe^Jane ", "Doe^Jane"),
        (b"ISO_IR 6", b"Doe^Jane", "Doe^Jane"),
    ],
)  # fmt: skip
def test_what_the_standard_knows_is_read_exactly(terms: bytes, value: bytes, expected: str) -> None:
    sets = character_sets_of(terms)

    assert sets.known
    assert sets.text(value) == Text(expected)


@pytest.mark.parametrize(
    "terms", [b"ISO-IR 100", b"ISO_IR_100", b"iso_ir 100", b"ISO IR 100", b"ISOIR100", b" ISO_IR 100 \0"]
)
def test_a_misspelt_term_is_understood(terms: bytes) -> None:
    assert character_sets_of(terms).text(b"\xc4") == Text("Ä")


@pytest.mark.parametrize("terms", [b"UTF-8", b"utf8", b"ISO_IR 192"])
def test_utf8_by_its_other_name_is_understood(terms: bytes) -> None:
    assert character_sets_of(terms).text("Ä".encode()) == Text("Ä")


@pytest.mark.parametrize(
    ("terms", "value", "known"),
    [
        (b"", b"\xc4neas", True),  # nothing stated and not ASCII
        (b"ISO_IR 192", b"\xc4neas", True),  # stated and untrue
        (b"KLINGON", b"\xc4neas", False),
        (b"\xff\xff", b"\xc4neas", False),
        (b"\\ISO 2022 IR 87", b"\x1b$Z\x7f\x7f", True),  # an escape sequence nobody knows
        (b"\\ISO 2022 IR 87", b"\x1b$B\xff", True),
        (b"ISO_IR 100", b"\x1b$B;3", True),  # an extension that was not announced
    ],
)
def test_what_cannot_be_read_exactly_is_shown_byte_for_byte_and_says_so(
    terms: bytes, value: bytes, known: bool
) -> None:
    sets = character_sets_of(terms)

    assert sets.text(value) == Text(value.decode("latin-1"), exact=False)
    assert sets.known is known


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_no_bytes_are_an_obstacle(terms: bytes, value: bytes) -> None:
    text = character_sets_of(terms).text(value)

    assert text.exact or text.value in value.decode("latin-1")


def test_an_identifier_that_is_not_exact_is_absent_and_other_text_is_shown() -> None:
    header = header_of(UIDS | {0x00100020: b"P\xc4", 0x00180015: b"BR\xdcST"})

    assert (header.patient_id, header.body_part) == ("", "BRÜST")
    assert header.note == "not in the character set it states: body_part, patient_id"


def test_an_unknown_character_set_is_noted_and_ascii_identifiers_are_exact_all_the_same() -> None:
    header = header_of(UIDS | {0x00080005: b"KLINGON", 0x00100020: b"P-1"})

    assert header.patient_id == "P-1"
    assert header.note == "Specific Character Set names one that the standard does not know"


def _print(image: Dataset) -> Fingerprint:
    data = memoryview(encoded(image))
    return fingerprint(data, start=data_set_start(data), implicit=False)


def _named(term: str | list[str], name: str, number: str = "P-1") -> Dataset:
    (image,) = small_series(1)
    image = deepcopy(image)
    image.SpecificCharacterSet = term
    image.PatientName, image.PatientID = name, number
    return image


def test_an_archive_that_passes_a_name_on_in_another_encoding_corrects_nothing() -> None:
    name = "Äneas^Rüdiger"

    prints = {_print(_named(term, name)).identity_digest for term in ("ISO_IR 100", "ISO_IR 192", "GB18030")}

    assert len(prints) == 1


def test_ideographs_in_two_encodings_are_one_name_and_another_name_is_another() -> None:
    first = _print(_named(["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎"))
    second = _print(_named("ISO_IR 192", "Yamada^Tarou=山田^太郎"))
    other = _print(_named("ISO_IR 192", "Yamada^Tarou=山田^次郎"))

    assert first.identity_digest == second.identity_digest
    assert first.identity_digest != other.identity_digest
    assert first.content_digest == other.content_digest


def test_composed_and_decomposed_characters_are_one_identifier() -> None:
    composed, decomposed = _print(_named("ISO_IR 192", "X", "Å1")), _print(_named("ISO_IR 192", "X", "A\u030a1"))

    assert composed.header.patient_id == decomposed.header.patient_id == "Å1"
    assert composed.identity_digest == decomposed.identity_digest


def test_a_character_set_of_any_length_does_not_stop_an_object() -> None:
    (image,) = small_series(1)
    image.SpecificCharacterSet = "ISO_IR 192"
    before = b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 192"
    assert before in encoded(image)
    data = memoryview(encoded(image).replace(before, b"\x08\x00\x05\x00CS" + pack("<H", 5000) + b"X" * 5000))

    read = fingerprint(data, start=data_set_start(data), implicit=False)
    assert read.header.patient_id == image.PatientID
