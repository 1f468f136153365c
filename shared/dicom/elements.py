"""Walk an encoded data set element by element without building objects.

Nothing is copied and nothing is decoded, so the cost of a hostile object is bounded by its size: depth, number of
elements and every length are checked (PS3.5 sections 7.1 to 7.5). Little endian only; that is all we negotiate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from pydicom.datadict import dictionary_VR

from shared.domain.errors import InvalidInputError

MAX_DEPTH = 32
"""Nesting of sequences we follow; the deepest standard objects (SR content trees) stay well below it."""
MAX_ELEMENTS = 3_000_000
"""Elements per object; a whole-slide or multi-frame functional group table stays below it."""

ITEM = 0xFFFEE000
ITEM_DELIMITATION = 0xFFFEE00D
SEQUENCE_DELIMITATION = 0xFFFEE0DD
PIXEL_DATA = 0x7FE00010
_UNDEFINED = 0xFFFFFFFF

_TAG_LENGTH = Struct("<HHI")
_SHORT_LENGTH = Struct("<H")
_LONG_LENGTH = Struct("<I")
# PS3.5 table 7.1-2: these have a 16-bit length; every other (also future) VR has 2 reserved bytes and 32 bits.
_SHORT_VRS = frozenset(
    "AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split()  # noqa: SIM905
)


class Element(NamedTuple):
    """One element, item or end of a sequence, by position; the value is not read."""

    tag: int
    """group << 16 | element."""
    vr: str
    """Two letters; empty where the data set is implicit and the dictionary does not know the tag."""
    depth: int
    """0 at the top level, 1 inside an item of a top-level sequence, and so on."""
    parent: int
    """Tag of the enclosing sequence, 0 at the top level."""
    start: int
    """Offset of the value."""
    length: int
    """Length of the value in bytes; 0 for sequences, items and their ends (their parts follow)."""


class _Kind(Enum):
    DATA_SET = "data set"
    SEQUENCE = "sequence"
    FRAGMENTS = "fragments"


@dataclass(frozen=True, slots=True)
class _Frame:
    kind: _Kind
    tag: int
    limit: int
    """Nothing of this frame lies at or behind this offset."""
    defined: bool
    """True where ``limit`` is the stated end, False where a delimitation item ends the frame."""
    implicit: bool


def walk(data: memoryview, *, start: int, implicit: bool) -> Iterator[Element]:
    """Yield the elements of ``data`` from ``start`` to its end, in order.

    Raises:
        InvalidInputError: If the bytes cannot be a data set, or end inside an element; the value is never quoted.
    """
    walker = _Walker(data, start, implicit=implicit)
    for _ in range(MAX_ELEMENTS):
        element = walker.step()
        if element is None:
            return
        yield element
    raise InvalidInputError("data set", f"more than {MAX_ELEMENTS} elements")


class _Walker:
    def __init__(self, data: memoryview, start: int, *, implicit: bool) -> None:
        self._data = data
        self._position = start
        self._stack = [_Frame(_Kind.DATA_SET, 0, len(data), defined=True, implicit=implicit)]

    def step(self) -> Element | None:
        """Return the next element, or None at the end."""
        frame = self._stack[-1]
        if frame.defined and self._position == frame.limit:
            return self._leave(0)
        if self._position + 8 > frame.limit:
            raise InvalidInputError(_name(frame.tag), "the object ends before this element does")
        group, number, length = _TAG_LENGTH.unpack_from(self._data, self._position)
        tag = group << 16 | number
        if frame.kind is _Kind.DATA_SET:
            return self._leave(8) if tag == ITEM_DELIMITATION else self._element(frame, tag, length)
        return self._leave(8) if tag == SEQUENCE_DELIMITATION else self._item(frame, tag, length)

    def _leave(self, skip: int) -> Element | None:
        frame = self._stack.pop()
        self._position += skip
        if skip and frame.defined and frame.kind is _Kind.DATA_SET:
            raise InvalidInputError(_name(frame.tag), "an item ends that was never begun")
        if not self._stack:
            return None
        closing = ITEM_DELIMITATION if frame.kind is _Kind.DATA_SET else SEQUENCE_DELIMITATION
        return self._mark(closing, "", len(self._stack), frame.tag)

    def _item(self, frame: _Frame, tag: int, length: int) -> Element:
        if tag != ITEM:
            raise InvalidInputError(_name(frame.tag), "something that is not an item stands in a sequence")
        self._position += 8
        if frame.kind is _Kind.FRAGMENTS:
            return self._leaf(frame, tag, "OB", length)
        self._enter(_Kind.DATA_SET, frame, frame.tag, length, implicit=frame.implicit)
        return self._mark(ITEM, "", len(self._stack), frame.tag)

    def _element(self, frame: _Frame, tag: int, length: int) -> Element:
        vr, length = self._vr_and_length(frame, tag, length)
        if length == _UNDEFINED and (tag == PIXEL_DATA or vr in ("OB", "OW")):
            self._enter(_Kind.FRAGMENTS, frame, tag, length, implicit=frame.implicit)
        elif vr == "SQ" or length == _UNDEFINED:
            # PS3.5 6.2.2 note 2: UN of undefined length holds a sequence in implicit VR.
            self._enter(_Kind.SEQUENCE, frame, tag, length, implicit=frame.implicit or vr == "UN")
        else:
            return self._leaf(frame, tag, vr, length)
        return self._mark(tag, "SQ", len(self._stack) - 1, frame.tag)

    def _vr_and_length(self, frame: _Frame, tag: int, length: int) -> tuple[str, int]:
        """Return VR and length, and move to the value."""
        if frame.implicit:
            self._position += 8
            return _dictionary_vr(tag), length
        vr = bytes(self._data[self._position + 4 : self._position + 6])
        if not (vr.isalpha() and vr.isupper()):
            raise InvalidInputError(_name(tag), "has no value representation")
        name = vr.decode("ascii")
        if name in _SHORT_VRS:
            self._position += 8
            return name, _SHORT_LENGTH.unpack_from(self._data, self._position - 2)[0]
        if self._position + 12 > frame.limit:
            raise InvalidInputError(_name(tag), "the object ends before this element does")
        self._position += 12
        return name, _LONG_LENGTH.unpack_from(self._data, self._position - 4)[0]

    def _leaf(self, frame: _Frame, tag: int, vr: str, length: int) -> Element:
        start = self._position
        if length > frame.limit - start:
            raise InvalidInputError(_name(frame.tag or tag), "the object ends before this element does")
        self._position += length
        return Element(tag, vr, (len(self._stack) - 1) // 2, frame.tag, start, length)

    def _enter(self, kind: _Kind, outer: _Frame, tag: int, length: int, *, implicit: bool) -> None:
        defined = length != _UNDEFINED
        end = self._position + length if defined else outer.limit
        if end > outer.limit:
            raise InvalidInputError(_name(tag), "the object ends before this element does")
        if len(self._stack) > 2 * MAX_DEPTH:
            raise InvalidInputError(_name(tag), f"sequences are nested more than {MAX_DEPTH} deep")
        self._stack.append(_Frame(kind, tag, end, defined, implicit))

    def _mark(self, tag: int, vr: str, frames: int, parent: int) -> Element:
        return Element(tag, vr, frames // 2, parent, self._position, 0)


@lru_cache(maxsize=8192)  # a hostile object may name millions of tags
def _dictionary_vr(tag: int) -> str:
    """Return the VR that PS3.6 gives the tag; empty for private and unknown tags."""
    try:
        return dictionary_VR(tag)
    except KeyError:
        return ""


def _name(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})" if tag else "data set"
