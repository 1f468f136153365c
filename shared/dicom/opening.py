"""The study an encoded data set belongs to, read from its first bytes while the rest is still on its way."""

from __future__ import annotations

from shared.dicom.elements import walk
from shared.dicom.header import text_of
from shared.domain.errors import InvalidInputError

_STUDY_INSTANCE_UID = 0x0020000D
_MAX_UID_BYTES = 64


def study_instance_uid(head: memoryview, *, implicit: bool) -> str | None:
    """Return Study Instance UID; empty: it has none; None: its place lies behind ``head``, or cannot be reached.

    Elements come in the order of their tags (PS3.5 7.1).
    """
    try:
        for element in walk(head, start=0, implicit=implicit):
            if element.depth == 0 and element.tag >= _STUDY_INSTANCE_UID:
                value = bytes(head[element.start : element.start + min(element.length, _MAX_UID_BYTES)])
                return text_of(value) if element.tag == _STUDY_INSTANCE_UID else ""
    except InvalidInputError:
        pass
    return None
