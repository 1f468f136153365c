"""The header page in front of every object of a segment: what was announced, where the file lies, and two checksums.

    magic 8 · crc32 of the text 4 · length of the text 4 · text (JSON, UTF-8) · zeros up to one page

The text names its segment, whose name is random: no bytes a sender can invent are ever read as a record.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, fields
from struct import Struct
from typing import Any

from services.dicom_listener.ports.inbox import Announced
from shared.domain.errors import InvalidInputError

PAGE = 4096
"""Bytes of a header page; records and their parts begin at multiples of it (O_DIRECT needs that)."""
_MAGIC = b"ONCOSEG\x01"
_HEAD = Struct("<8sII")


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """One object of a segment."""

    segment: str
    """Name of the segment the record was written to."""
    start: int
    """Offset of the header page; the DICOM file begins one page later."""
    length: int
    """Bytes of the DICOM file, without padding."""
    crc32: int
    """CRC-32 (ISO 3309, as ``zlib.crc32``) of the DICOM file."""
    received: str
    """ISO 8601 with zone."""
    announced: Announced

    @property
    def offset(self) -> int:
        """Offset of the DICOM file."""
        return self.start + PAGE

    @property
    def end(self) -> int:
        """Offset behind the record, padding included."""
        return self.offset + padded(self.length)


def padded(length: int) -> int:
    """Return ``length`` rounded up to whole pages."""
    return -(-length // PAGE) * PAGE


def to_page(record: SegmentRecord) -> bytes:
    """Return the header page.

    Raises:
        InvalidInputError: If what was announced does not fit on a page; no door lets that through.
    """
    text = json.dumps(_fields(record) | {"announced": _fields(record.announced)}).encode()
    if _HEAD.size + len(text) > PAGE:
        raise InvalidInputError("announcement", "is longer than a header page")
    return (_HEAD.pack(_MAGIC, zlib.crc32(text), len(text)) + text).ljust(PAGE, b"\0")


def _fields(value: SegmentRecord | Announced) -> dict[str, Any]:
    """Return the fields as they are; ``dataclasses.asdict`` copies deeply, which is a tenth of the door's time."""
    return {name: getattr(value, name) for name in value.__slots__}


def from_page(page: bytes) -> SegmentRecord | None:
    """Return the record of a header page, or None where ``page`` is something else; unknown fields are left out."""
    if len(page) < PAGE:
        return None
    magic, checksum, length = _HEAD.unpack_from(page)
    text = page[_HEAD.size : _HEAD.size + length]
    if magic != _MAGIC or zlib.crc32(text) != checksum:
        return None
    tree: dict[str, Any] = json.loads(text)
    announced = Announced(**_known(Announced, tree["announced"]))
    return SegmentRecord(**_known(SegmentRecord, tree) | {"announced": announced})


def _known(kind: type[SegmentRecord | Announced], tree: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that this version knows: a newer one adds fields, and never takes one away."""
    return {field.name: tree[field.name] for field in fields(kind) if field.name in tree}
