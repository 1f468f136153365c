"""Command sets (PS3.7 section 6.3 and annex E): Implicit VR Little Endian, group 0000, bounded."""

from __future__ import annotations

from struct import Struct, pack, unpack

from services.dicom_listener.adapters.upper_layer.pdus import AbortError, AbortReason
from services.dicom_listener.ports.services import Command

MAX_COMMAND_BYTES = 16384
"""No request comes near it."""
C_STORE, C_ECHO, C_CANCEL, N_ACTION = 0x0001, 0x0030, 0x0FFF, 0x0130
RESPONSE = 0x8000
"""Set in the Command Field of every response."""
_NO_DATA_SET = 0x0101
_HEAD = Struct("<HHI")
_UNSIGNED_SHORT = 2


def read_command(content: bytes) -> Command:
    """Return the request.

    Raises:
        AbortError: If the bytes are not a command set, or lack what every request has.
    """
    elements = _elements(content)
    message_id = _number(elements, 0x0110)
    command_field = _number(elements, 0x0100)
    data_set_type = _number(elements, 0x0800)
    if message_id is None or command_field is None or data_set_type is None:
        raise _invalid("a command lacks its field, message id or data set type")
    return Command(
        field=command_field,
        message_id=message_id,
        has_data_set=data_set_type != _NO_DATA_SET,
        sop_class_uid=_uid(elements, 0x0002) or _uid(elements, 0x0003),
        sop_instance_uid=_uid(elements, 0x1000) or _uid(elements, 0x1001),
        number=_number(elements, 0x1008) or 0,
    )


def response(command: Command, status: int, comment: str = "") -> bytes:
    """Return the encoded response to ``command``, elements in the order of their tags (PS3.7 9.3 and 10.3)."""
    parts = [
        _text(0x0002, command.sop_class_uid),
        pack("<HHIH", 0, 0x0100, 2, command.field | RESPONSE),
        pack("<HHIH", 0, 0x0120, 2, command.message_id),
        pack("<HHIH", 0, 0x0800, 2, _NO_DATA_SET),
        pack("<HHIH", 0, 0x0900, 2, status),
        _text(0x0902, comment[:64], b" "),
        _text(0x1000, command.sop_instance_uid),
        pack("<HHIH", 0, 0x1008, 2, command.number) if command.field == N_ACTION else b"",
    ]
    content = b"".join(parts)
    return pack("<HHII", 0, 0, 4, len(content)) + content


def _elements(content: bytes) -> dict[int, bytes]:
    elements: dict[int, bytes] = {}
    position, end = 0, len(content)
    while position < end:
        if end - position < _HEAD.size:
            raise _invalid("a command is cut short")
        group, element, length = _HEAD.unpack_from(content, position)
        position += _HEAD.size
        if group or length > end - position:
            raise _invalid("a command holds what is not its own")
        elements[element] = content[position : position + length]
        position += length
    return elements


def _number(elements: dict[int, bytes], element: int) -> int | None:
    value = elements.get(element, b"")
    return int(unpack("<H", value)[0]) if len(value) == _UNSIGNED_SHORT else None


def _uid(elements: dict[int, bytes], element: int) -> str:
    return elements.get(element, b"").decode("ascii", "replace").rstrip("\0 ")


def _text(element: int, text: str, pad: bytes = b"\0") -> bytes:
    if not text:
        return b""
    value = text.encode("ascii", "replace")
    value += pad * (len(value) % 2)
    return _HEAD.pack(0, element, len(value)) + value


def _invalid(why: str) -> AbortError:
    return AbortError(why, AbortReason.INVALID_PARAMETER)
