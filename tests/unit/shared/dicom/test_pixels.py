"""Pixel data that is there as declared, and pixel data that is not."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, JPEG2000Lossless, RLELossless

from shared.dicom.part10 import data_set_start, file_meta
from shared.dicom.pixels import PixelCheck, PixelOutcome, check_of, check_pixels
from shared.domain.errors import InvalidInputError
from shared.testing.dicom import encoded, small_series

REAL = Path(__file__).resolve().parents[4].parent / "shared" / "data" / "dicom"


def _check(image: Dataset) -> PixelCheck:
    data = memoryview(encoded(image))
    meta = file_meta(data)
    assert meta is not None
    return check_pixels(data, start=meta.end, transfer_syntax=meta.transfer_syntax)


@pytest.fixture
def image() -> Dataset:
    return deepcopy(small_series(1)[0])


def _compressed(image: Dataset, frames: int = 1) -> Dataset:
    if frames > 1:
        image.PixelData = image.PixelData * frames
        image.NumberOfFrames = frames
    image.compress(RLELossless, generate_instance_uid=False)
    return image


def test_native_pixels_that_are_there_are_readable(image: Dataset) -> None:
    assert _check(image) == PixelCheck(PixelOutcome.READABLE)


def test_compressed_pixels_that_can_be_decoded_are_readable(image: Dataset) -> None:
    assert _check(_compressed(image)) == PixelCheck(PixelOutcome.READABLE)
    assert _check(_compressed(deepcopy(small_series(1)[0]), frames=3)) == PixelCheck(PixelOutcome.READABLE)


def test_an_object_without_pixels_has_none(image: Dataset) -> None:
    del image.PixelData

    assert _check(image) == PixelCheck(PixelOutcome.NONE)


def _set(keyword: str, value: object) -> Callable[[Dataset], None]:
    return lambda image: setattr(image, keyword, value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_set("NumberOfFrames", 65535), "65535 frames are declared and 1 are there whole"),
        (_set("Rows", 17), "1 frames are declared and 0 are there whole"),
        (_set("SamplesPerPixel", 3), "1 frames are declared and 0 are there whole"),
        (_set("Rows", 0), "rows, columns, samples or bits are not stated"),
        (_set("PixelData", b""), "1 frames are declared and 0 are there whole"),
        (lambda image: delattr(image, "BitsAllocated"), "rows, columns, samples or bits are not stated"),
        (_set("NumberOfFrames", 0), "the number of frames is not one"),
        (_set("NumberOfFrames", -1), "the number of frames is not one"),
    ],
)
def test_native_pixels_that_are_not_there_as_declared(
    image: Dataset, change: Callable[[Dataset], None], reason: str
) -> None:
    change(image)

    assert _check(image) == PixelCheck(PixelOutcome.INCONSISTENT, reason)


def test_frames_of_one_bit_are_counted_in_bits(image: Dataset) -> None:
    image.BitsAllocated = image.BitsStored = 1
    image.HighBit, image.Rows, image.Columns, image.NumberOfFrames = 0, 3, 3, 5
    image.PixelData = bytes(6)
    assert _check(image).sound
    image.PixelData = bytes(4)

    assert _check(image).outcome is PixelOutcome.INCONSISTENT


def test_float_pixels_are_pixels(image: Dataset) -> None:
    del image.PixelData
    image.FloatPixelData = np.zeros((16, 16), np.float32).tobytes()
    assert _check(image).sound
    image.FloatPixelData = bytes(4)

    assert _check(image).outcome is PixelOutcome.INCONSISTENT


def test_fewer_fragments_than_frames_are_found_without_decoding(image: Dataset) -> None:
    image = _compressed(image)
    image.NumberOfFrames = 65535

    assert _check(image) == PixelCheck(PixelOutcome.INCONSISTENT, "65535 frames are declared and 1 fragments are there")


@pytest.mark.parametrize("noise", [b"\0" * 4, b"\0" * 64, b"\xff" * 64, bytes(range(256))])
@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_what_no_decoder_reads_is_undecodable(image: Dataset, syntax: UID, noise: bytes) -> None:
    image.file_meta.TransferSyntaxUID = syntax
    image.PixelData = encapsulate([noise])
    image["PixelData"].VR = "OB"

    assert _check(image).outcome in (PixelOutcome.UNDECODABLE, PixelOutcome.INCONSISTENT)


def test_a_frame_larger_than_any_image_is_not_decoded(image: Dataset) -> None:
    image = _compressed(image)
    image.Rows = image.Columns = 65535

    assert _check(image).outcome is PixelOutcome.DANGEROUS


def test_encapsulated_pixels_under_a_native_transfer_syntax_do_not_fit(image: Dataset) -> None:
    data = memoryview(encoded(_compressed(image)))

    check = check_pixels(data, start=data_set_start(data), transfer_syntax="1.2.840.10008.1.2.1")
    assert check.outcome is PixelOutcome.INCONSISTENT


@pytest.mark.skipif(not REAL.exists(), reason="real inputs are absent")
@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["MR1_JLSL", "MR1_RLE", "MR_Implicit_Little", "ispy1_1001_breast_seg"])
def test_real_objects_are_readable(name: str) -> None:
    data = memoryview((REAL / f"{name}.dcm").read_bytes())
    syntax = str(dcmread(REAL / f"{name}.dcm", stop_before_pixels=True).file_meta.TransferSyntaxUID)

    assert check_pixels(data, start=data_set_start(data), transfer_syntax=syntax) == PixelCheck(PixelOutcome.READABLE)


def test_a_check_survives_being_written_down() -> None:
    assert check_of({"outcome": "dangerous", "reason": "why"}) == PixelCheck(PixelOutcome.DANGEROUS, "why")
    with pytest.raises(InvalidInputError):
        check_of({"outcome": "perhaps", "reason": ""})
