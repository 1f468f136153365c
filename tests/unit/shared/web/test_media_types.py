from __future__ import annotations

import pytest

from shared.web.media_types import media_type, preferred

OFFERED = ("application/dicom+json", "application/dicom+xml")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", OFFERED[0]),
        ("*/*", OFFERED[0]),
        ("application/*", OFFERED[0]),
        ("application/dicom+xml", OFFERED[1]),
        ("application/dicom+json;q=0.2, application/dicom+xml;q=0.9", OFFERED[1]),
        ("*/*, application/dicom+json;q=0", OFFERED[1]),
        ("text/html", None),
        ("application/dicom+xml;q=0", None),
        ("application/dicom+xml;q=high", None),
    ],
)
def test_an_accept_header_chooses_among_what_is_offered(accept: str, expected: str | None) -> None:
    assert preferred(accept, OFFERED) == expected


def test_parameters_are_read_with_and_without_quotes() -> None:
    kind = media_type('Multipart/Related; TYPE="application/dicom"; boundary=a-b')

    assert kind.name == "multipart/related"
    assert kind.parameters["type"] == "application/dicom"
    assert kind.parameters["boundary"] == "a-b"


@pytest.mark.parametrize("header", ["", "nonsense", ";;;", '"'])
def test_what_is_no_media_type_has_no_name(header: str) -> None:
    assert media_type(header).name == ""


def test_a_header_beyond_all_measure_names_nothing_and_is_not_read() -> None:
    assert media_type('multipart/related; a="' + ";" * 60_000).name == ""
    assert preferred(",".join(["a/b;q=1"] * 10_000), ("a/b",)) is None


def test_quoted_parameters_may_hold_semicolons_and_escapes() -> None:
    found = media_type('Multipart/Related; Type="application/dicom"; boundary="a;b\\"c"')

    assert found.name == "multipart/related"
    assert found.parameters == {"type": "application/dicom", "boundary": 'a;b"c'}
