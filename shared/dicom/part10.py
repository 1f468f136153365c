"""The DICOM File Format (PS3.10 section 7.1) around an encoded data set."""

from __future__ import annotations

from struct import unpack_from

from shared.dicom.elements import walk
from shared.domain.errors import InvalidInputError

_PREAMBLE = 128
_TRANSFER_SYNTAX = 0x00020010
_GROUP_LENGTH = b"\x02\x00\x00\x00UL\x04\x00"


def data_set_start(data: memoryview) -> int:
    """Return the offset of the data set behind preamble, prefix and file meta information.

    Raises:
        InvalidInputError: If ``data`` is not a DICOM file, or its meta information states no length.
    """
    if bytes(data[_PREAMBLE : _PREAMBLE + 4]) != b"DICM":
        raise InvalidInputError("preamble", "not a DICOM file: the prefix DICM is missing")
    if bytes(data[_PREAMBLE + 4 : _PREAMBLE + 12]) != _GROUP_LENGTH or len(data) < _PREAMBLE + 16:
        raise InvalidInputError("(0002,0000)", "the file meta information does not state its length")
    (length,) = unpack_from("<I", data, _PREAMBLE + 12)
    return int(_PREAMBLE + 16 + length)


def transfer_syntax_of(meta: memoryview) -> str:
    """Return Transfer Syntax UID (0002,0010) of the file meta information before the data set.

    Raises:
        InvalidInputError: If it is not stated.
    """
    for element in walk(meta, start=_PREAMBLE + 4, implicit=False):
        if element.tag == _TRANSFER_SYNTAX:
            value = bytes(meta[element.start : element.start + element.length])
            return value.decode("ascii", "replace").rstrip(" \0")
    raise InvalidInputError("(0002,0010)", "the file meta information does not state the transfer syntax")
