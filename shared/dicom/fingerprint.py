"""Two digests and the header of an encoded object: what it shows, and whose it is, apart.

Both digests are of values, not of encodings: implicit and explicit VR, defined and undefined lengths, file meta and
padding make no difference; nor does, for identity, the character set in which an archive passes a name on. Compressed
and uncompressed pixels do make one (nothing is decoded here).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from struct import Struct
from typing import TYPE_CHECKING, Any

from shared.dicom.attributes import ADMINISTRATIVE, IDENTITY
from shared.dicom.character_sets import character_sets_of
from shared.dicom.elements import Element, walk
from shared.dicom.header import CHARACTER_SET, MAX_VALUE_BYTES, TAGS, Header, header_of, text_of
from shared.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from hashlib import _Hash

_MARK = Struct("<BIQ")
# Padded to even length with a space or NUL (PS3.5 6.2); writers differ, so padding is not content.
_TEXT_VRS = frozenset("AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT".split())  # noqa: SIM905
_CHARACTER_SET_VRS = frozenset("LO LT PN SH ST UC UT".split())  # noqa: SIM905
"""Their characters follow Specific Character Set (PS3.5 6.1.2.3)."""
_LONGEST_IDENTITY_TEXT = 65536
_ESCAPE = b"\x1b"
_CONTENT_SEQUENCE = 0x0040A730
_CONTENT_UID = 0x0040A124
_FRAME_ANATOMY, _FRAME_LATERALITY = 0x00209071, 0x00209072
_MOST_SIDES = 8
"""Different values of one code of four; more are none."""
_CHUNK = 1 << 20
_FORGET = 16 << 20
"""Bytes after which the memory of what was read is given back."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is known of an object after one pass over its bytes."""

    header: Header
    content_digest: str
    """sha256 (hex) over everything but identity and administrative attributes."""
    identity_digest: str
    """sha256 (hex) over ``shared.dicom.attributes.IDENTITY``."""


def fingerprint(
    data: memoryview, *, start: int, implicit: bool, forget: Callable[[int, int], None] | None = None
) -> Fingerprint:
    """Read the data set that begins at ``start`` of ``data``.

    ``forget(begin, end)`` is called now and then with a range of ``data`` that will not be read again, so that memory
    does not grow with the object.

    Raises:
        InvalidInputError: If it is not a data set, is cut off, or lacks one of its four UIDs.
    """
    reading = _Reading(data, forget or (lambda _begin, _end: None))
    for element in walk(data, start=start, implicit=implicit):
        reading.take(element)
    header = header_of(reading.raw, tuple(reading.observers), reading.sides)
    return Fingerprint(header, reading.content.hexdigest(), reading.identity.hexdigest())


@dataclass(slots=True)
class _Reading:
    data: memoryview
    forget: Callable[[int, int], None]
    content: _Hash = field(default_factory=hashlib.sha256)
    identity: _Hash = field(default_factory=hashlib.sha256)
    raw: dict[int, bytes] = field(default_factory=dict)
    observers: list[str] = field(default_factory=list)
    sides: set[str] = field(default_factory=set)
    """What Frame Laterality says, of all frames."""
    top: int = 0
    forgotten: int = 0

    def take(self, element: Element) -> None:
        if element.depth == 0:
            self.top = element.tag if element.parent == 0 else element.parent
        self._note(element)
        self._pass(element.start)
        if self.top in ADMINISTRATIVE or not element.tag & 0xFFFF:  # gggg,0000: group length, PS3.5 7.2
            return
        if self.top not in IDENTITY:
            self._digest(self.content, element)
        elif element.vr in _CHARACTER_SET_VRS and element.length <= _LONGEST_IDENTITY_TEXT:
            self._digest_text(self.identity, element)
        else:
            self._digest(self.identity, element)

    def _note(self, element: Element) -> None:
        if element.depth == 0 and element.tag in TAGS:
            self.raw[element.tag] = self._value(element)
        elif element.depth == 1 and element.parent == _CONTENT_SEQUENCE and element.tag == _CONTENT_UID:
            self.observers.append(text_of(self._value(element)))
        elif element.tag == _FRAME_LATERALITY and element.parent == _FRAME_ANATOMY and len(self.sides) < _MOST_SIDES:
            self.sides.add(text_of(self._value(element)))

    def _value(self, element: Element) -> bytes:
        if element.length > MAX_VALUE_BYTES and element.tag != CHARACTER_SET:
            raise InvalidInputError(TAGS.get(element.tag, "UID"), "is longer than the standard allows")
        return bytes(self.data[element.start : element.start + min(element.length, MAX_VALUE_BYTES)])

    def _digest_text(self, digest: _Hash, element: Element) -> None:
        """Digest the characters, however they are encoded; bytes that say no characters are digested as they are."""
        raw = bytes(self.data[element.start : element.start + self._unpadded(element)])
        text = raw if raw.isascii() and _ESCAPE not in raw else self._characters(raw)
        digest.update(_MARK.pack(element.depth, element.tag, len(text)))
        digest.update(text)

    def _characters(self, raw: bytes) -> bytes:
        text = character_sets_of(self.raw.get(CHARACTER_SET, b"")).text(raw)
        return text.value.encode() if text.exact else raw

    def _digest(self, digest: _Hash, element: Element) -> None:
        length = self._unpadded(element)
        digest.update(_MARK.pack(element.depth, element.tag, length))
        for begin in range(element.start, element.start + length, _CHUNK):
            end = min(begin + _CHUNK, element.start + length)
            digest.update(self.data[begin:end])
            self._pass(end)

    def _pass(self, position: int) -> None:
        """Give back what lies before ``position``, a good deal at a time."""
        if position - self.forgotten >= _FORGET:
            self.forget(self.forgotten, position)
            self.forgotten = position

    def _unpadded(self, element: Element) -> int:
        length = element.length
        if element.vr in _TEXT_VRS:
            while length and self.data[element.start + length - 1] in b" \0":
                length -= 1
        return length


def fingerprint_of(tree: Mapping[str, Any]) -> Fingerprint:
    """Return the fingerprint that ``dataclasses.asdict`` and JSON made a tree of."""
    header = dict(tree["header"])
    header["observers"] = tuple(header["observers"])
    return Fingerprint(Header(**header), tree["content_digest"], tree["identity_digest"])
