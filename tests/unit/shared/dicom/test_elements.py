"""The walker reads what is a data set, and refuses what is not, without reading values."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from shared.dicom.elements import ITEM, MAX_DEPTH, walk
from shared.domain.errors import InvalidInputError


def _encode(data_set: Dataset, *, implicit: bool = False) -> memoryview:
    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, implicit
    write_dataset(stream, data_set)
    return memoryview(stream.getvalue())


def _nested(depth: int) -> Dataset:
    outer = Dataset()
    outer.PatientID = "x"
    if depth:
        outer.ContentSequence = [_nested(depth - 1)]
    return outer


def _tags(data: memoryview, *, implicit: bool = False) -> list[tuple[int, int]]:
    return [(element.tag, element.depth) for element in walk(data, start=0, implicit=implicit)]


def test_implicit_and_explicit_encodings_walk_alike() -> None:
    assert _tags(_encode(_nested(3))) == _tags(_encode(_nested(3), implicit=True), implicit=True)


def test_sequences_of_defined_and_undefined_length_walk_alike() -> None:
    defined, undefined = _nested(2), _nested(2)
    for data_set in (undefined, undefined.ContentSequence[0]):
        data_set["ContentSequence"].is_undefined_length = True
        data_set.ContentSequence[0].is_undefined_length_sequence_item = True

    assert _tags(_encode(defined)) == _tags(_encode(undefined))


def test_fragments_of_compressed_pixels_are_walked() -> None:
    data = pack("<HH2sHI", 0x7FE0, 0x10, b"OB", 0, 0xFFFFFFFF)
    data += (
        pack("<HHI", 0xFFFE, 0xE000, 0) + pack("<HHI4s", 0xFFFE, 0xE000, 4, b"abcd") + pack("<HHI", 0xFFFE, 0xE0DD, 0)
    )

    elements = list(walk(memoryview(data), start=0, implicit=False))

    assert [(element.tag, element.length) for element in elements if element.tag == ITEM] == [(ITEM, 0), (ITEM, 4)]


def test_too_deep_a_nesting_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="nested"):
        _tags(_encode(_nested(MAX_DEPTH + 1)))


@pytest.mark.parametrize("lost", [1, 5, 9, 20])
def test_a_cut_off_object_is_refused(lost: int) -> None:
    data_set = _nested(1)
    data_set.PixelData = bytes(64)
    data_set["PixelData"].VR = "OW"
    data = _encode(data_set)

    with pytest.raises(InvalidInputError, match="ends before"):
        _tags(data[:-lost])


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_walked_or_refused(content: bytes, implicit: bool) -> None:
    try:
        for element in walk(memoryview(content), start=0, implicit=implicit):
            assert element.start + element.length <= len(content)
    except InvalidInputError:
        pass


@given(st.data())
def test_a_damaged_object_is_walked_or_refused(data: st.DataObject) -> None:
    content = bytearray(_encode(_nested(3)))
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    with suppress(InvalidInputError):
        list(walk(memoryview(content), start=0, implicit=False))


def test_nothing_is_an_empty_data_set() -> None:
    assert _tags(memoryview(BytesIO().getvalue())) == []
