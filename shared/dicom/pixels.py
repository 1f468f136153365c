"""Whether the pixel data of an object is there and can be decoded: the cheapest test that tells.

Native pixel data is compared with what rows, columns, samples, bits and frames ask for (PS3.5 8.1.1, 8.2); nothing is
decoded. Of encapsulated pixel data (PS3.5 A.4) the fragments are counted and the first frame is decoded, after its
declared size was checked. Run it in a jail: decoders are native code.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shared.dicom.image_pixel import LARGEST_FRAME_BYTES, ImagePixel, decoded_frame, encoded_frame, image_pixel
from shared.dicom.transfer_syntaxes import UNCOMPRESSED
from shared.domain.errors import InvalidInputError


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


def check_pixels(data: memoryview, *, start: int, transfer_syntax: str) -> PixelCheck:
    """Look at the pixel data of the data set that begins at ``start`` of ``data``.

    Raises:
        InvalidInputError: If it is not a data set.
    """
    image = image_pixel(data, start, transfer_syntax)
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


def _declaration(image: ImagePixel) -> str:
    if not image.frame_bits:
        return "rows, columns, samples or bits are not stated"
    if not image.frames:
        return "the number of frames is not one"
    return ""


def _native(image: ImagePixel, there: int) -> PixelCheck:
    needed = -(-image.frame_bits * image.frames // 8)
    if there < needed:
        present = there * 8 // image.frame_bits
        return PixelCheck(
            PixelOutcome.INCONSISTENT, f"{image.frames} frames are declared and {present} are there whole"
        )
    return PixelCheck(PixelOutcome.READABLE)


def _encapsulated(image: ImagePixel, data: memoryview, transfer_syntax: str) -> PixelCheck:
    fragments = image.item_count - 1
    if fragments < image.frames:
        reason = f"{image.frames} frames are declared and {max(fragments, 0)} fragments are there"
        return PixelCheck(PixelOutcome.INCONSISTENT, reason)
    if image.frame_bits > 8 * LARGEST_FRAME_BYTES:
        return PixelCheck(PixelOutcome.DANGEROUS, "one frame would be larger than any image is")
    return _first_frame(image, data, transfer_syntax)


def _first_frame(image: ImagePixel, data: memoryview, transfer_syntax: str) -> PixelCheck:
    try:
        pixels = decoded_frame(image, encoded_frame(image, data, 0), transfer_syntax)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - decoders raise anything over foreign bytes
        return PixelCheck(PixelOutcome.UNDECODABLE, f"the first frame cannot be decoded ({type(error).__name__})")
    if pixels.shape[:2] != (image.rows, image.columns):
        return PixelCheck(PixelOutcome.INCONSISTENT, "the first frame has another size than declared")
    return PixelCheck(PixelOutcome.READABLE)


def check_of(tree: dict[str, str]) -> PixelCheck:
    """Return the check that ``dataclasses.asdict`` made a tree of.

    Raises:
        InvalidInputError: If it is not one.
    """
    try:
        return PixelCheck(PixelOutcome(tree["outcome"]), str(tree["reason"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInputError("pixel check", "is not one") from error
