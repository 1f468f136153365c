"""A blob is a file, or a range of one; nothing around it and nothing outside the store is ever read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import ForbiddenError, InvalidInputError, NotFoundError
from shared.storage.blobs import LocalBlobs
from shared.storage.ranges import place_of

CONTENT = bytes(range(256)) * 64


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "one.seg").write_bytes(CONTENT)
    (tmp_path / "secret").write_bytes(CONTENT)
    return LocalBlobs(tmp_path / "blobs")


def _uri(blobs: LocalBlobs, query: str = "") -> str:
    return (blobs.root / "one.seg").as_uri() + query


def test_a_stored_blob_is_read_back(blobs: LocalBlobs) -> None:
    uri, _ = blobs.put(b"content")

    assert blobs.read(uri) == b"content"
    assert blobs.path(uri).read_bytes() == b"content"


@pytest.mark.parametrize(("offset", "length"), [(0, 16), (5, 1), (4096, 4096), (5000, 7), (len(CONTENT) - 3, 3)])
def test_a_range_is_read_opened_and_mapped_and_nothing_around_it(blobs: LocalBlobs, offset: int, length: int) -> None:
    uri = _uri(blobs, f"?offset={offset}&length={length}")
    expected = CONTENT[offset : offset + length]

    with blobs.open(uri) as stream, blobs.mapped(uri) as mapped:
        stream.seek(1)
        assert stream.read() == expected[1:]
        assert stream.seek(-1, 2) == length - 1
        assert stream.read(100) == expected[-1:]
        mapped.forget(0, length)
        assert bytes(mapped.view) == expected
    assert blobs.read(uri) == expected


def test_a_range_has_no_path_of_its_own(blobs: LocalBlobs) -> None:
    with pytest.raises(ForbiddenError):
        blobs.path(_uri(blobs, "?offset=0&length=16"))


@pytest.mark.parametrize(
    "query",
    [
        "?", "?offset=0", "?length=5", "?offset=-1&length=5", "?offset=0&length=5&offset=9", "?length=5&offset=0",
        "?offset=0x10&length=5", "?offset=1e3&length=5", "?offset=0&length=", "?offset=%C2%B2&length=5",
        "?offset=99999999999999999999&length=1", "?offset=0&length=5#x",
    ],
)  # fmt: skip
def test_a_range_that_is_not_exactly_one_is_refused(blobs: LocalBlobs, query: str) -> None:
    with pytest.raises(ForbiddenError):
        blobs.read(_uri(blobs, query))


@pytest.mark.parametrize("query", [f"?offset=1&length={len(CONTENT)}", f"?offset={len(CONTENT) + 1}&length=0"])
def test_a_range_beyond_the_end_is_not_there(blobs: LocalBlobs, query: str) -> None:
    with pytest.raises(NotFoundError):
        blobs.open(_uri(blobs, query))
    with pytest.raises(NotFoundError), blobs.mapped(_uri(blobs, query)):
        pass


def test_nothing_outside_the_store_is_opened(blobs: LocalBlobs, tmp_path: Path) -> None:
    (blobs.root / "link").symlink_to(tmp_path / "secret")
    outside = [
        (tmp_path / "secret").as_uri(),
        (blobs.root / "link").as_uri(),
        blobs.root.as_uri() + "/../secret?offset=0&length=1",
        blobs.root.as_uri() + "/%2e%2e/secret",
        "file://elsewhere" + str(blobs.root / "one.seg"),
        "http://localhost/one.seg",
    ]
    for uri in outside:
        with pytest.raises(ForbiddenError):
            blobs.read(uri)


def test_what_is_absent_is_not_found(blobs: LocalBlobs) -> None:
    with pytest.raises(NotFoundError):
        blobs.read((blobs.root / "two.seg").as_uri())


@given(st.text())
def test_any_text_is_a_place_or_refused(text: str) -> None:
    try:
        place = place_of(text)
    except (InvalidInputError, ValueError) as error:
        assert isinstance(error, InvalidInputError)  # noqa: PT017 - anything else is a defect
    else:
        assert place.offset >= 0
