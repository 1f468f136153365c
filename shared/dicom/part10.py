"""The DICOM File Format (PS3.10 section 7.1) around an encoded data set."""

from __future__ import annotations

from dataclasses import dataclass
from struct import pack, unpack_from

from shared.dicom.elements import walk
from shared.dicom.header import text_of
from shared.domain.errors import InvalidInputError

MAX_META_BYTES = 65536
"""File meta information we read; private information (0002,0102) stays far below it."""
IMPLEMENTATION_CLASS_UID = "1.2.826.0.1.3680043.10.1490.0.2"
"""Who wrote a file and who speaks on an association (PS3.7 D.3.3.2); one for all sites."""
IMPLEMENTATION_VERSION_NAME = "ONCORELAY_1"
_PREAMBLE = 128
_GROUP_LENGTH = b"\x02\x00\x00\x00UL\x04\x00"
_META_START = _PREAMBLE + 16
_TAGS = {0x00020002: "sop_class_uid", 0x00020003: "sop_instance_uid", 0x00020010: "transfer_syntax"}


@dataclass(frozen=True, slots=True)
class FileMeta:
    """What the file meta information says of the data set behind it."""

    sop_class_uid: str
    """Media Storage SOP Class UID (0002,0002)."""
    sop_instance_uid: str
    """Media Storage SOP Instance UID (0002,0003)."""
    transfer_syntax: str
    """Transfer Syntax UID (0002,0010)."""
    end: int
    """Offset of the data set."""


def data_set_start(data: memoryview) -> int:
    """Return the offset of the data set behind preamble, prefix and file meta information.

    Raises:
        InvalidInputError: If ``data`` is not a DICOM file, or its meta information states no length.
    """
    if bytes(data[_PREAMBLE : _PREAMBLE + 4]) != b"DICM":
        raise InvalidInputError("preamble", "not a DICOM file: the prefix DICM is missing")
    if bytes(data[_PREAMBLE + 4 : _PREAMBLE + 12]) != _GROUP_LENGTH or len(data) < _META_START:
        raise InvalidInputError("(0002,0000)", "the file meta information does not state its length")
    (length,) = unpack_from("<I", data, _PREAMBLE + 12)
    return int(_META_START + length)


def file_meta(data: memoryview) -> FileMeta | None:
    """Return the file meta information of a file that begins with ``data``; None where more of it is needed.

    Raises:
        InvalidInputError: If it is no DICOM file, or its meta information is too long or names no UIDs.
    """
    if len(data) < _META_START:
        return None
    end = data_set_start(data)
    if end > MAX_META_BYTES:
        raise InvalidInputError("(0002,0000)", f"file meta information of more than {MAX_META_BYTES} bytes")
    if len(data) < end:
        return None
    found = dict.fromkeys(_TAGS.values(), "")
    for element in walk(data[:end], start=_META_START, implicit=False):  # PS3.10 7.1: Explicit VR Little Endian
        if element.tag in _TAGS and element.depth == 0:
            found[_TAGS[element.tag]] = text_of(bytes(data[element.start : element.start + element.length][:64]))
    missing = [name for name, value in found.items() if not value]
    if missing:
        raise InvalidInputError("file meta information", f"{missing[0]} is missing")
    return FileMeta(**found, end=end)


def file_beginning(sop_class_uid: str, sop_instance_uid: str, transfer_syntax: str, sender: str = "") -> bytes:
    """Return preamble, prefix and file meta information (PS3.10 table 7.1-1) for a data set that follows as it came.

    ``sender`` becomes Sending Application Entity Title (0002,0017) where it can be one (1 to 16 ASCII characters).
    """
    title = sender if sender.isascii() and 0 < len(sender) <= 16 else ""
    elements = b"".join(
        (
            _META_VERSION,
            _short(0x0002, "UI", sop_class_uid),
            _short(0x0003, "UI", sop_instance_uid),
            _short(0x0010, "UI", transfer_syntax),
            _IMPLEMENTATION,
            _short(0x0017, "AE", title) if title else b"",
        )
    )
    return bytes(_PREAMBLE) + b"DICM" + _GROUP_LENGTH + pack("<I", len(elements)) + elements


def _short(element: int, vr: str, text: str) -> bytes:
    """Return one element of group 2, padded to even length (PS3.5 6.2: UI with a null, others with a space)."""
    value = text.encode("ascii")
    if len(value) % 2:
        value += b"\0" if vr == "UI" else b" "
    return pack("<HH2sH", 2, element, vr.encode(), len(value)) + value


_META_VERSION = pack("<HH2sHI2s", 2, 1, b"OB", 0, 2, b"\0\1")
_IMPLEMENTATION = _short(0x0012, "UI", IMPLEMENTATION_CLASS_UID) + _short(0x0013, "SH", IMPLEMENTATION_VERSION_NAME)
