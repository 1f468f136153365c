"""A patch table comes back as it was, and other bytes are refused."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from shared.domain.errors import InvalidInputError
from shared.pathology.patch_bytes import LARGEST_BYTES, decode_patches, encode_patches
from shared.pathology.patch_table import PatchTable
from tests.unit.shared.pathology.tables import table

ARRAYS = ("index", "probabilities", "tissue", "artefacts", "heat")


@pytest.mark.parametrize("count", [0, 1, 4, 11])
def test_a_table_comes_back_and_has_the_same_bytes_each_time(count: int) -> None:
    given = table(count)
    content = encode_patches(given)
    assert content == encode_patches(table(count))
    back = decode_patches(content)
    for name in ARRAYS:
        assert getattr(back, name).dtype == getattr(given, name).dtype
        assert np.array_equal(getattr(back, name), getattr(given, name))
    assert (back.grid, back.width, back.height, back.microns_per_pixel) == (given.grid, 2048, 1600, 0.5)
    assert encode_patches(back) == content


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04nothing", encode_patches(table())[:-40]])
def test_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(InvalidInputError):
        decode_patches(content)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(table(), index=np.array([1, 2, 3, 12], np.int32)),
        replace(table(), index=np.array([2, 1, 3, 4], np.int32)),
        replace(table(), index=np.array([-1, 1, 3, 4], np.int32)),
        replace(table(), index=np.array([1, 2, 3], np.int32)),
        replace(table(), probabilities=np.full((4, 3), np.nan, np.float32)),
        replace(table(), probabilities=np.full((4, 3), 1.5, np.float32)),
        replace(table(), probabilities=np.ones((4, 2), np.float32)),
        replace(table(), heat=np.zeros((4, 2, 3), np.float16)),
        replace(table(), tissue=np.array([0, 0.5, 1, 7], np.float32)),
        replace(table(), microns_per_pixel=0.0),
        replace(table(), microns_per_pixel=float("nan")),
        replace(table(), width=0),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(wrong: PatchTable) -> None:
    with pytest.raises(InvalidInputError):
        decode_patches(encode_patches(wrong))


def test_a_swollen_archive_is_refused_before_it_is_unpacked() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("heat.npy", "w") as heat:
        for _ in range(LARGEST_BYTES // (1 << 24) + 1):
            heat.write(bytes(1 << 24))
    with pytest.raises(InvalidInputError, match="unpack"):
        decode_patches(stream.getvalue())
