"""The Image Pixel module of an object (PS3.3 C.7.6.3) as declared, and the pixels of one of its frames.

Decoders are native code: run it in a jail where the bytes are foreign.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from shared.dicom.elements import ITEM, PIXEL_DATA, Element, walk
from shared.dicom.transfer_syntaxes import COMPRESSED, UNCOMPRESSED, is_implicit
from shared.domain.errors import InvalidInputError

LARGEST_FRAME_BYTES = 1 << 29
"""A frame that is declared to be larger (512 MiB) is not decoded; the largest mammograms have 64 MB."""
FLOATS = {0x7FE00008: 4, 0x7FE00009: 8}
"""Float and Double Float Pixel Data (PS3.3 C.7.6.24 and C.7.6.25): bytes per value."""
_MAX_ITEMS = 20_001
"""Fragments that are looked at, with the offset table."""
_EXTENDED_OFFSETS = 0x7FE00001
_US = Struct("<H")
_NUMBERS = {
    0x00280002: "samples_per_pixel", 0x00280006: "planar_configuration", 0x00280010: "rows", 0x00280011: "columns",
    0x00280100: "bits_allocated", 0x00280101: "bits_stored", 0x00280103: "pixel_representation",
}  # fmt: skip
_TEXTS = {0x00280004: "photometric_interpretation", 0x00280008: "number_of_frames"}


@dataclass(slots=True)
class ImagePixel:
    """0 or empty where absent."""

    rows: int = 0
    columns: int = 0
    samples_per_pixel: int = 0
    bits_allocated: int = 0
    bits_stored: int = 0
    pixel_representation: int = 0
    planar_configuration: int = 0
    photometric_interpretation: str = ""
    number_of_frames: str = ""
    pixels: Element | None = None
    items: list[Element] = field(default_factory=list)
    """The first items of encapsulated pixel data; item 0 is the Basic Offset Table."""
    item_count: int = 0
    extended_offsets: Element | None = None
    encapsulated: bool = False

    @property
    def frames(self) -> int:
        """Return the number of frames; 0 where what is declared is no number."""
        text = self.number_of_frames.strip(" \0")
        return 1 if not text else int(text) if text.isascii() and text.isdigit() else 0

    @property
    def bits(self) -> int:
        """Return the bits of one value."""
        value_bytes = FLOATS.get(self.pixels.tag) if self.pixels else None
        return 8 * value_bytes if value_bytes else self.bits_allocated

    @property
    def frame_bits(self) -> int:
        """Return the bits of one frame once it is decoded."""
        subsampled = self.photometric_interpretation in ("YBR_FULL_422", "YBR_PARTIAL_422") and not self.encapsulated
        implied = 1 if self.pixels and self.pixels.tag in FLOATS else 0
        samples = 2 if subsampled else self.samples_per_pixel or implied
        return self.rows * self.columns * samples * self.bits


def image_pixel(data: memoryview, start: int, transfer_syntax: str) -> ImagePixel:
    """Return what the data set that begins at ``start`` of ``data`` declares.

    Raises:
        InvalidInputError: If it is not a data set.
    """
    image = ImagePixel()
    for element in walk(data, start=start, implicit=is_implicit(transfer_syntax)):
        _note(image, element, data)
    return image


def _note(image: ImagePixel, element: Element, data: memoryview) -> None:
    if element.depth == 0 and element.parent == PIXEL_DATA and element.tag == ITEM:
        image.item_count += 1
        if len(image.items) < _MAX_ITEMS:
            image.items.append(element)
    if element.depth or element.parent:
        return
    value = data[element.start : element.start + min(element.length, 16)]
    if element.tag in _NUMBERS and element.length >= _US.size:
        setattr(image, _NUMBERS[element.tag], _US.unpack_from(value)[0])
    elif element.tag in _TEXTS:
        setattr(image, _TEXTS[element.tag], bytes(value).decode("ascii", "replace").strip(" \0"))
    elif element.tag == PIXEL_DATA or element.tag in FLOATS:
        image.pixels, image.encapsulated = element, element.vr == "SQ"
    elif element.tag == _EXTENDED_OFFSETS:
        image.extended_offsets = element


def encoded_frame(image: ImagePixel, data: memoryview, index: int) -> bytes:
    """Return the bytes of an encapsulated frame, found by fragments or by an offset table (PS3.5 A.4).

    Raises:
        InvalidInputError: If nothing tells which fragments are its own.
    """
    fragments = image.items[1:]
    if image.frames > 1 and image.item_count - 1 == image.frames:
        fragments = fragments[index : index + 1]
    elif image.frames > 1:
        fragments = _by_offset(image, data, index)
    if not fragments:
        raise InvalidInputError("PixelData", "its fragments cannot be told apart into frames")
    return b"".join(data[one.start : one.start + one.length] for one in fragments)


def _by_offset(image: ImagePixel, data: memoryview, index: int) -> list[Element]:
    table, kind = (image.items[0], "<u4") if image.items else (None, "")
    if image.extended_offsets is not None:
        table, kind = image.extended_offsets, "<u8"
    if table is None or table.length != image.frames * np.dtype(kind).itemsize:
        return []
    offsets = np.frombuffer(data, kind, image.frames, table.start).astype(np.int64).tolist()
    if offsets != sorted(offsets) or offsets[0] != 0:
        return []
    base = image.items[1].start if len(image.items) > 1 else 0
    return [one for one in image.items[1:] if bisect_right(offsets, one.start - base) - 1 == index]


def decoded_frame(image: ImagePixel, frame: bytes, transfer_syntax: str) -> NDArray[Any]:
    """Decode one encapsulated frame; the decoder may raise anything over foreign bytes."""
    options: dict[str, Any] = {
        "rows": image.rows,
        "columns": image.columns,
        "samples_per_pixel": image.samples_per_pixel,
        "photometric_interpretation": image.photometric_interpretation or "MONOCHROME2",
        "pixel_representation": image.pixel_representation,
        "bits_allocated": image.bits_allocated,
        "bits_stored": image.bits_stored or image.bits_allocated,
        "planar_configuration": image.planar_configuration,
        "number_of_frames": 1,
        "pixel_keyword": "PixelData",
    }
    pixels, _ = get_decoder(UID(transfer_syntax)).as_array(encapsulate([frame]), index=0, raw=True, **options)
    return pixels


def grey_frame(image: ImagePixel, data: memoryview, index: int, transfer_syntax: str) -> NDArray[Any]:
    """Return the stored values of one frame of a grey image, (rows, columns); int16, uint16, int8 or uint8.

    Raises:
        InvalidInputError: If it is no such image, is not there whole, or cannot be decoded.
    """
    if image.samples_per_pixel != 1 or image.photometric_interpretation != "MONOCHROME2" or image.bits not in (8, 16):
        raise InvalidInputError("PixelData", "is not a grey image of 8 or 16 bits")
    if transfer_syntax not in (*UNCOMPRESSED, *COMPRESSED) or image.encapsulated == (transfer_syntax in UNCOMPRESSED):
        raise InvalidInputError("TransferSyntaxUID", "is not one that is read")
    if not 0 < image.frame_bits <= 8 * LARGEST_FRAME_BYTES or not 0 <= index < image.frames:
        raise InvalidInputError("PixelData", "has no such frame")
    if not image.encapsulated:
        return _native(image, data, index)
    try:
        pixels = decoded_frame(image, encoded_frame(image, data, index), transfer_syntax)
    except (InvalidInputError, MemoryError):
        raise
    except Exception as error:  # decoders raise anything over foreign bytes
        raise InvalidInputError("PixelData", f"a frame cannot be decoded ({type(error).__name__})") from error
    if pixels.shape != (image.rows, image.columns):
        raise InvalidInputError("PixelData", "a frame has another size than declared")
    return pixels


def _native(image: ImagePixel, data: memoryview, index: int) -> NDArray[Any]:
    count = image.rows * image.columns
    width = image.bits // 8
    if image.pixels is None or image.pixels.length < (index + 1) * count * width:
        raise InvalidInputError("PixelData", "ends before the frame does")
    kind = np.dtype(f"<{'i' if image.pixel_representation else 'u'}{width}")
    stored: NDArray[Any] = np.frombuffer(data, kind, count, image.pixels.start + index * count * width)
    return _without_overlay(stored.reshape(image.rows, image.columns), image)


def _without_overlay(stored: NDArray[Any], image: ImagePixel) -> NDArray[Any]:
    """Return a copy of the values without what old objects hide in the bits that are not stored (PS3.5 8.1.1)."""
    spare = image.bits - (image.bits_stored or image.bits)
    return stored.copy() if spare <= 0 else (stored << spare) >> spare
