"""Whose a DICOM file says it is, found without parsing it: a file in quarantine may be one that cannot be parsed.

Patient ID (0010,0020) and Issuer of Patient ID (0010,0021), little endian, explicit or implicit VR (PS3.5 7.1).
"""

from __future__ import annotations

import mmap
import re
from struct import unpack

_LONGEST = 1024
"""Bytes; LO has 64 characters (PS3.5 6.2)."""


def patient_of(content: bytes | mmap.mmap) -> tuple[str, str] | None:
    """Return Patient ID and issuer ("" where there is none) of a DICOM file; None where it has no Patient ID."""
    patient_id = _value(content, b"\x10\x00\x20\x00")
    return None if patient_id is None else (patient_id, _value(content, b"\x10\x00\x21\x00") or "")


def spellings(text: str) -> tuple[bytes, ...]:
    """Return the bytes a text may have in a file."""
    return tuple({text.encode("utf-8"), text.encode("latin-1", "replace")})


def _value(content: bytes | mmap.mmap, tag: bytes) -> str | None:
    for found in re.finditer(re.escape(tag) + rb"(?:LO(..)|(..\x00\x00))", content, re.DOTALL):
        short, long = found.groups()
        length = unpack("<H", short)[0] if short else unpack("<I", long)[0]
        if 0 < length <= _LONGEST:
            return _text(bytes(content[found.end() : found.end() + length]))
    return None


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8").strip(" \0")
    except UnicodeDecodeError:
        return raw.decode("latin-1").strip(" \0")
