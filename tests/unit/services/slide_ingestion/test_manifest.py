"""What a manifest may say, and that everything else is refused without repeating it."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.slide_ingestion.formats.manifest import MOST_BYTES, MOST_ROWS, read_manifest
from shared.domain.errors import InvalidInputError
from shared.domain.identity import AssigningAuthority, IdentityMap, PatientIdentity, Sex, Side

ROW = {
    "accession": "S26-1", "specimen": "A", "block": "1", "slide": "3", "container": "S26-1-A-1-3", "patient_id": "MRN1",
    "issuer": "HOSP", "birth_date": "1950-02-01", "sex": "female", "stain": "he", "tissue": "breast",
    "after_therapy": False, "side": "left", "files": ["a.svs"],
}  # fmt: skip


def test_json_says_everything() -> None:
    (row,) = read_manifest("a.manifest.json", json.dumps(ROW).encode()).rows

    assert row.specimen_named.accession == "S26-1"
    assert row.demographics.sex is Sex.FEMALE
    assert row.side is Side.LEFT
    assert row.after_therapy is False
    assert row.files == ("a.svs",)


def test_csv_says_the_same_as_json() -> None:
    cells = {name: "|".join(value) if isinstance(value, list) else str(value) for name, value in ROW.items()}
    text = ",".join(cells) + "\r\n" + ",".join(cells.values()) + "\r\n"

    assert read_manifest("a.manifest.csv", b"\xef\xbb\xbf" + text.encode()) == read_manifest(
        "a.manifest.json", json.dumps({"schema_version": 1, "slides": [ROW]}).encode()
    )


def test_what_is_not_said_stays_open() -> None:
    (row,) = read_manifest("a.manifest.csv", b"container,after_therapy,stain\nX,,\n").rows

    assert (row.container, row.after_therapy, row.stain, row.side) == ("X", None, "", None)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("json", b"not json"),
        ("json", b"[1]"),
        ("json", b"[]"),
        ("json", b'{"accession": "A", "accession": "SECRET"}'),
        ("json", b'{"acession": "SECRET"}'),
        ("json", b'{"stain": "SECRET"}'),
        ("json", b'{"birth_date": "SECRET"}'),
        ("json", b'{"accession": 7}'),
        ("json", b'{"accession": "S\\u0000SECRET"}'),
        ("json", b'{"files": ["../SECRET.svs"]}'),
        ("json", b'{"files": ["/etc/SECRET"]}'),
        ("json", b'{"schema_version": 2, "slides": []}'),
        ("json", b'{"schema_version": 1, "slides": []}'),
        ("json", b"[" * 100_000),
        ("json", b"\xff\xfe"),
        ("json", b" " * (MOST_BYTES + 1)),
        ("csv", b""),
        ("csv", b"accession,accession\nA,SECRET\n"),
        ("csv", b"accession,block\nSECRET\n"),
        ("csv", b"after_therapy\nSECRET\n"),
        ("csv", b'accession\n"SECRET\n'),
        ("csv", b"accession\n" + b"x\n" * (MOST_ROWS + 1)),
    ],
)
def test_what_it_does_not_understand_is_refused_and_not_repeated(name: str, content: bytes) -> None:
    with pytest.raises(InvalidInputError) as error:
        read_manifest(f"a.manifest.{name}", content)

    assert "SECRET" not in str(error.value)


@pytest.mark.parametrize(("name", "said"), [("pateint_id", "is patient_id meant"), ("SECRET", "known are accession")])
def test_a_misspelt_field_is_answered_with_the_one_that_is_meant_or_with_all(name: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said) as error:
        read_manifest("a.manifest.json", json.dumps({name: "4711"}).encode())

    assert name not in str(error.value)


@given(st.binary(max_size=300), st.sampled_from(["a.manifest.json", "a.manifest.csv"]))
def test_no_bytes_do_anything_but_be_read_or_refused(content: bytes, name: str) -> None:
    with contextlib.suppress(InvalidInputError):
        assert read_manifest(name, content).rows


@pytest.mark.parametrize("issuer", ["hospital", "DICOM", "http://hospital", "HL7"])
def test_an_issuer_is_found_however_a_standard_spells_it(issuer: str) -> None:
    sites = IdentityMap((
        AssigningAuthority("hospital", "DICOM", "http://hospital", "HL7"), AssigningAuthority("other", "", "", "OTHER"),
    ))  # fmt: skip
    (row,) = read_manifest("a.manifest.json", json.dumps(ROW | {"issuer": issuer}).encode()).rows

    assert row.identity(sites) == PatientIdentity("hospital", "MRN1")


def test_an_issuer_that_means_two_authorities_means_nobody() -> None:
    sites = IdentityMap((AssigningAuthority("one", "X"), AssigningAuthority("two", None, "", "X")))
    (row,) = read_manifest("a.manifest.json", json.dumps(ROW | {"issuer": "X"}).encode()).rows

    assert row.identity(sites) is None
