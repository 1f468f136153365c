"""Two digests and the header of an encoded object: what it shows, and whose it is, apart.

Both digests are of values, not of encodings: implicit and explicit VR, defined and undefined lengths, file meta and
padding make no difference. Compressed and uncompressed pixels do (nothing is decoded here).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from struct import Struct
from typing import TYPE_CHECKING

from shared.dicom.attributes import ADMINISTRATIVE, IDENTITY
from shared.dicom.elements import Element, walk
from shared.dicom.header import MAX_VALUE_BYTES, TAGS, Header, header_of, text_of
from shared.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from hashlib import _Hash

_MARK = Struct("<BIQ")
# Padded to even length with a space or NUL (PS3.5 6.2); writers differ, so padding is not content.
_TEXT_VRS = frozenset("AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT".split())  # noqa: SIM905
_CONTENT_SEQUENCE = 0x0040A730
_CONTENT_UID = 0x0040A124
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is known of an object after one pass over its bytes."""

    header: Header
    content_digest: str
    """sha256 (hex) over everything but identity and administrative attributes."""
    identity_digest: str
    """sha256 (hex) over ``shared.dicom.attributes.IDENTITY``."""


def fingerprint(data: memoryview, *, start: int, implicit: bool) -> Fingerprint:
    """Read the data set that begins at ``start`` of ``data``.

    Raises:
        InvalidInputError: If it is not a data set, is cut off, or lacks one of its four UIDs.
    """
    reading = _Reading(data)
    for element in walk(data, start=start, implicit=implicit):
        reading.take(element)
    header = header_of(reading.raw, tuple(reading.observers))
    return Fingerprint(header, reading.content.hexdigest(), reading.identity.hexdigest())


@dataclass(slots=True)
class _Reading:
    data: memoryview
    content: _Hash = field(default_factory=hashlib.sha256)
    identity: _Hash = field(default_factory=hashlib.sha256)
    raw: dict[int, bytes] = field(default_factory=dict)
    observers: list[str] = field(default_factory=list)
    top: int = 0

    def take(self, element: Element) -> None:
        if element.depth == 0:
            self.top = element.tag if element.parent == 0 else element.parent
        self._note(element)
        if self.top in ADMINISTRATIVE or not element.tag & 0xFFFF:  # gggg,0000: group length, PS3.5 7.2
            return
        self._digest(self.identity if self.top in IDENTITY else self.content, element)

    def _note(self, element: Element) -> None:
        if element.depth == 0 and element.tag in TAGS:
            self.raw[element.tag] = self._value(element)
        elif element.depth == 1 and element.parent == _CONTENT_SEQUENCE and element.tag == _CONTENT_UID:
            self.observers.append(text_of(self._value(element)))

    def _value(self, element: Element) -> bytes:
        if element.length > MAX_VALUE_BYTES:
            raise InvalidInputError(TAGS.get(element.tag, "UID"), "is longer than the standard allows")
        return bytes(self.data[element.start : element.start + element.length])

    def _digest(self, digest: _Hash, element: Element) -> None:
        length = self._unpadded(element)
        digest.update(_MARK.pack(element.depth, element.tag, length))
        for part in _chunks(self.data, element.start, length):
            digest.update(part)

    def _unpadded(self, element: Element) -> int:
        length = element.length
        if element.vr in _TEXT_VRS:
            while length and self.data[element.start + length - 1] in b" \0":
                length -= 1
        return length


def _chunks(data: memoryview, start: int, length: int) -> Iterable[memoryview]:
    for offset in range(start, start + length, _CHUNK):
        yield data[offset : min(offset + _CHUNK, start + length)]
