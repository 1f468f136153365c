"""Whether the pixel data of an object is there and can be decoded: the cheapest test that tells.

Native pixel data is compared with what rows, columns, samples, bits and frames ask for (PS3.5 8.1.1, 8.2); nothing is
decoded. Of encapsulated pixel data (PS3.5 A.4) the fragments are counted and the first frame is decoded, after its
declared size was checked. Run it in a jail: decoders are native code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from struct import Struct
from typing import Any

from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from shared.dicom.elements import ITEM, PIXEL_DATA, Element, walk
from shared.dicom.transfer_syntaxes import UNCOMPRESSED, is_implicit
from shared.domain.errors import InvalidInputError

LARGEST_FRAME_BYTES = 1 << 29
"""A frame that is declared to be larger (512 MiB) is not decoded; the largest mammograms have 64 MB."""
_FLOATS = {0x7FE00008: 4, 0x7FE00009: 8}
"""Float and Double Float Pixel Data (PS3.3 C.7.6.24 and C.7.6.25): bytes per value."""
_MAX_ITEMS = 4096
"""Fragments among which the first frame is looked for."""
_US = Struct("<H")
_UL = Struct("<I")
_NUMBERS = {
    0x00280002: "samples_per_pixel", 0x00280006: "planar_configuration", 0x00280010: "rows", 0x00280011: "columns",
    0x00280100: "bits_allocated", 0x00280101: "bits_stored", 0x00280103: "pixel_representation",
}  # fmt: skip
_TEXTS = {0x00280004: "photometric_interpretation", 0x00280008: "number_of_frames"}


class PixelOutcome(StrEnum):
    """What a look at pixel data found."""

    NONE = "none"
    """The object has none: a report, a presentation state."""
    READABLE = "readable"
    INCONSISTENT = "inconsistent"
    """There are fewer bytes or frames than declared, or the declaration is not one."""
    UNDECODABLE = "undecodable"
    """The first frame cannot be decoded."""
    DANGEROUS = "dangerous"
    """Reading it ended in the jail: out of memory, out of time, or a crash."""
    NOT_LOOKED_AT = "not_looked_at"
    """The object itself could not be read any more."""


@dataclass(frozen=True, slots=True)
class PixelCheck:
    """The outcome, and one clause that says why; never a value of the object."""

    outcome: PixelOutcome
    reason: str = ""

    @property
    def sound(self) -> bool:
        """Tell whether nobody needs to be told."""
        return self.outcome in (PixelOutcome.NONE, PixelOutcome.READABLE)


@dataclass(slots=True)
class _Image:
    """The Image Pixel module (PS3.3 C.7.6.3) as declared; 0 or empty where absent."""

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
    encapsulated: bool = False

    @property
    def frames(self) -> int:
        text = self.number_of_frames.strip(" \0")
        return 1 if not text else int(text) if text.isascii() and text.isdigit() else 0

    @property
    def bits(self) -> int:
        value_bytes = _FLOATS.get(self.pixels.tag) if self.pixels else None
        return 8 * value_bytes if value_bytes else self.bits_allocated

    @property
    def frame_bits(self) -> int:
        subsampled = self.photometric_interpretation in ("YBR_FULL_422", "YBR_PARTIAL_422") and not self.encapsulated
        implied = 1 if self.pixels and self.pixels.tag in _FLOATS else 0
        samples = 2 if subsampled else self.samples_per_pixel or implied
        return self.rows * self.columns * samples * self.bits


def check_pixels(data: memoryview, *, start: int, transfer_syntax: str) -> PixelCheck:
    """Look at the pixel data of the data set that begins at ``start`` of ``data``.

    Raises:
        InvalidInputError: If it is not a data set.
    """
    image = _image(data, start, transfer_syntax)
    if image.pixels is None:
        return PixelCheck(PixelOutcome.NONE)
    wrong = _declaration(image)
    if wrong:
        return PixelCheck(PixelOutcome.INCONSISTENT, wrong)
    if not image.encapsulated:
        return _native(image, image.pixels.length)
    if transfer_syntax in UNCOMPRESSED:
        return PixelCheck(PixelOutcome.INCONSISTENT, "the pixel data is encapsulated and its transfer syntax is not")
    return _encapsulated(image, data, transfer_syntax)


def _image(data: memoryview, start: int, transfer_syntax: str) -> _Image:
    image = _Image()
    for element in walk(data, start=start, implicit=is_implicit(transfer_syntax)):
        _note(image, element, data)
    return image


def _note(image: _Image, element: Element, data: memoryview) -> None:
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
    elif element.tag == PIXEL_DATA or element.tag in _FLOATS:
        image.pixels, image.encapsulated = element, element.vr == "SQ"


def _declaration(image: _Image) -> str:
    if not image.frame_bits:
        return "rows, columns, samples or bits are not stated"
    if not image.frames:
        return "the number of frames is not one"
    return ""


def _native(image: _Image, there: int) -> PixelCheck:
    needed = -(-image.frame_bits * image.frames // 8)
    if there < needed:
        present = there * 8 // image.frame_bits
        return PixelCheck(
            PixelOutcome.INCONSISTENT, f"{image.frames} frames are declared and {present} are there whole"
        )
    return PixelCheck(PixelOutcome.READABLE)


def _encapsulated(image: _Image, data: memoryview, transfer_syntax: str) -> PixelCheck:
    fragments = image.item_count - 1
    if fragments < image.frames:
        reason = f"{image.frames} frames are declared and {max(fragments, 0)} fragments are there"
        return PixelCheck(PixelOutcome.INCONSISTENT, reason)
    if image.frame_bits > 8 * LARGEST_FRAME_BYTES:
        return PixelCheck(PixelOutcome.DANGEROUS, "one frame would be larger than any image is")
    return _first_frame(image, data, transfer_syntax)


def _first_frame(image: _Image, data: memoryview, transfer_syntax: str) -> PixelCheck:
    try:
        pixels = _decoded(image, _first_encoded(image, data), transfer_syntax)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - decoders raise anything over foreign bytes
        return PixelCheck(PixelOutcome.UNDECODABLE, f"the first frame cannot be decoded ({type(error).__name__})")
    if pixels.shape[:2] != (image.rows, image.columns):
        return PixelCheck(PixelOutcome.INCONSISTENT, "the first frame has another size than declared")
    return PixelCheck(PixelOutcome.READABLE)


def _first_encoded(image: _Image, data: memoryview) -> bytes:
    """Return the bytes of the first frame: one fragment, or those before the second frame's offset (PS3.5 A.4)."""
    table, *fragments = image.items
    if image.frames > 1:
        if image.item_count - 1 == image.frames:
            fragments = fragments[:1]
        elif table.length >= 2 * _UL.size:
            second = fragments[0].start + _UL.unpack_from(data, table.start + _UL.size)[0]
            fragments = [fragment for fragment in fragments if fragment.start < second]
    return b"".join(data[one.start : one.start + one.length] for one in fragments)


def _decoded(image: _Image, frame: bytes, transfer_syntax: str) -> NDArray[Any]:
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


def check_of(tree: dict[str, str]) -> PixelCheck:
    """Return the check that ``dataclasses.asdict`` made a tree of.

    Raises:
        InvalidInputError: If it is not one.
    """
    try:
        return PixelCheck(PixelOutcome(tree["outcome"]), str(tree["reason"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInputError("pixel check", "is not one") from error
