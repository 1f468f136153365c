"""Removing stored objects: whole files and ranges, never anything outside the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.domain.errors import ForbiddenError, InvalidInputError
from shared.storage.blobs import LocalBlobs
from shared.storage.erasure import BlobEraser


def test_a_whole_object_is_gone_and_erasing_it_again_is_no_error(tmp_path: Path) -> None:
    uri, _ = LocalBlobs(tmp_path).put(b"DICM canary")
    for _ in range(2):
        BlobEraser(tmp_path)(uri)

    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_of_a_shared_file_only_the_range_is_overwritten(tmp_path: Path) -> None:
    segment = tmp_path / "one.seg"
    segment.write_bytes(b"before" + b"canary" + b"after")
    BlobEraser(tmp_path)(f"{segment.as_uri()}?offset=6&length=6")

    assert segment.read_bytes() == b"before" + bytes(6) + b"after"


def test_a_range_beyond_the_end_makes_no_file_grow(tmp_path: Path) -> None:
    segment = tmp_path / "one.seg"
    segment.write_bytes(b"canary")
    BlobEraser(tmp_path)(f"{segment.as_uri()}?offset=3&length=999")

    assert segment.read_bytes() == b"can" + bytes(3)


def test_what_lies_outside_the_store_is_never_touched(tmp_path: Path) -> None:
    outside = tmp_path / "precious"
    outside.write_bytes(b"x")
    inside = tmp_path / "blobs"
    inside.mkdir()
    (inside / "way-out").symlink_to(outside)
    for uri in (outside.as_uri(), f"{inside.as_uri()}/../precious", (inside / "way-out").as_uri(), "http://x/y"):
        with pytest.raises(ForbiddenError):
            BlobEraser(inside)(uri)

    assert outside.read_bytes() == b"x"


@pytest.mark.parametrize("query", ["offset=-1&length=2", "offset=x&length=2", "offset=1", "length=2"])
def test_a_range_that_is_none_is_refused(tmp_path: Path, query: str) -> None:
    segment = tmp_path / "one.seg"
    segment.write_bytes(b"canary")
    with pytest.raises(InvalidInputError):
        BlobEraser(tmp_path)(f"{segment.as_uri()}?{query}")

    assert segment.read_bytes() == b"canary"
