"""Compare the first elements of a data set with what its sender announced; the rest is judged later."""

from __future__ import annotations

from shared.dicom.elements import walk
from shared.domain.errors import InvalidInputError
from shared.domain.refusals import Cause

_SOP_CLASS_UID = 0x00080016
_SOP_INSTANCE_UID = 0x00080018
_MAX_UID_BYTES = 64


def contradiction(
    head: memoryview, *, whole: bool, implicit: bool, sop_class_uid: str, sop_instance_uid: str
) -> Cause | None:
    """Return why the object that begins with ``head`` is not the one announced, or None.

    ``whole`` says that nothing follows ``head``. Elements come in the order of their tags (PS3.5 7.1), so only those
    up to SOP Instance UID (0008,0018) are looked at; where ``head`` ends before it, nothing is said against the object.
    """
    announced = {_SOP_CLASS_UID: sop_class_uid, _SOP_INSTANCE_UID: sop_instance_uid}
    try:
        found = _uids(head, implicit=implicit)
    except InvalidInputError:
        return Cause.UNREADABLE if whole or not _begins(head, implicit=implicit) else None
    if len(found) < len(announced):
        return Cause.UNREADABLE
    return None if found == announced else Cause.DOES_NOT_MATCH


def _uids(head: memoryview, *, implicit: bool) -> dict[int, str]:
    found: dict[int, str] = {}
    for element in walk(head, start=0, implicit=implicit):
        if element.depth == 0 and element.tag in (_SOP_CLASS_UID, _SOP_INSTANCE_UID):
            value = bytes(head[element.start : element.start + min(element.length, _MAX_UID_BYTES)])
            found[element.tag] = value.decode("ascii", "replace").rstrip("\0 ")
        if element.depth == 0 and _SOP_INSTANCE_UID <= element.tag < 0xFFFE0000:
            break
    return found


def _begins(head: memoryview, *, implicit: bool) -> bool:
    """Tell whether the first element can be one: what cannot is no data set, whatever follows."""
    try:
        return next(iter(walk(head, start=0, implicit=implicit)), None) is not None
    except InvalidInputError:
        return False
