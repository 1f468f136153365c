"""Multipart bodies, cut at every possible place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dicom_listener.formats.multipart import MAX_HEADER_BYTES, read_parts
from services.dicom_listener.ports.parts import BrokenBodyError
from shared.domain.refusals import Cause

BOUNDARY = "b0un-dary"


def body(*contents: bytes, kind: str = "application/dicom", end: bytes = b"--\r\n") -> bytes:
    parts = [f"\r\n--{BOUNDARY}\r\nContent-Type: {kind}\r\n\r\n".encode() + content for content in contents]
    return b"".join(parts)[2:] + f"\r\n--{BOUNDARY}".encode() + end


def pieces(content: bytes, size: int) -> Iterator[bytes]:
    return (content[at : at + size] for at in range(0, len(content), size))


def read(chunks: Iterable[bytes], max_parts: int = 10) -> list[tuple[str, bytes]]:
    return [(part.media_type, b"".join(part.chunks())) for part in read_parts(chunks, BOUNDARY, max_parts)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 13, 64, 10_000])
def test_boundaries_are_found_wherever_the_chunks_are_cut(size: int) -> None:
    contents = (b"one\r\n--b0un-dar", b"", b"\r\n", b"-" + BOUNDARY.encode(), b"x" * 999)

    assert read(pieces(body(*contents), size)) == [("application/dicom", content) for content in contents]


@given(st.lists(st.binary(max_size=200), max_size=4), st.integers(1, 50))
def test_what_was_put_in_comes_out(contents: list[bytes], size: int) -> None:
    contents = [content for content in contents if b"\r\n--b0un-dary" not in b"\r\n" + content]

    assert [content for _, content in read(pieces(body(*contents), size))] == contents


@given(st.binary(max_size=300), st.integers(1, 20))
def test_any_bytes_end_as_parts_or_as_one_error(content: bytes, size: int) -> None:
    causes = []
    try:
        read(pieces(content, size))
    except BrokenBodyError as error:
        causes.append(error.cause)

    assert set(causes) <= {Cause.UNREADABLE, Cause.TOO_LARGE}


def test_a_part_nobody_read_is_skipped() -> None:
    found = [part.media_type for part in read_parts(pieces(body(b"a" * 5000, b"b" * 5000), 77), BOUNDARY, 10)]

    assert found == ["application/dicom"] * 2


def test_what_stands_before_the_first_and_behind_the_last_boundary_is_ignored() -> None:
    assert read([b"preamble\r\n" + body(b"a") + b"epilogue"]) == [("application/dicom", b"a")]


def test_a_media_type_is_read_without_its_parameters() -> None:
    assert (
        read([body(b"a", kind="Application/DICOM; transfer-syntax=1.2.840.10008.1.2.1")])[0][0] == "application/dicom"
    )


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (body(b"abc", end=b""), Cause.UNREADABLE),
        (body(b"abc")[:-20], Cause.UNREADABLE),
        (b"", Cause.UNREADABLE),
        (b"no boundary at all " * 1000, Cause.UNREADABLE),
        (body(b"abc", end=b"xx\r\n"), Cause.UNREADABLE),
        (body(*[b"a"] * 11), Cause.TOO_LARGE),
        (body(b"a", kind="x" * (MAX_HEADER_BYTES + 1000)), Cause.UNREADABLE),
        (f"--{BOUNDARY}\r\n".encode() + b"A: b\r\n" * 5000, Cause.TOO_LARGE),
    ],
)
def test_a_body_that_is_not_whole_says_so(content: bytes, cause: Cause) -> None:
    with pytest.raises(BrokenBodyError) as caught:
        read(pieces(content, 500))

    assert caught.value.cause is cause


def test_memory_does_not_grow_with_the_part() -> None:
    chunk = bytes(65536)
    stream = [f"--{BOUNDARY}\r\n\r\n".encode(), *[chunk] * 100, f"\r\n--{BOUNDARY}--".encode()]

    (part,) = (list(map(len, part.chunks())) for part in read_parts(iter(stream), BOUNDARY, 1))

    assert sum(part) == 100 * 65536
    assert max(part) <= 65536 + 100
