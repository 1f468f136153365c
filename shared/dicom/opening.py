"""Which instance an encoded data set says it is, read from its first bytes while the rest is still on its way."""

from __future__ import annotations

from dataclasses import dataclass

from shared.dicom.elements import walk
from shared.dicom.header import text_of
from shared.domain.errors import InvalidInputError

_TAGS = {0x00080016: "sop_class_uid", 0x00080018: "sop_instance_uid", 0x0020000D: "study_instance_uid"}
_LAST = max(_TAGS)


@dataclass(frozen=True, slots=True)
class Opening:
    """What was found; empty where it is absent, or lies behind the bytes at hand."""

    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    study_instance_uid: str = ""
    settled: bool = False
    """True where more bytes would change nothing: elements ascend (PS3.5 7.1), and the place is passed."""


def opening(data: memoryview, *, implicit: bool, whole: bool) -> Opening:
    """Return what the first bytes of a data set say; ``whole``: these are all its bytes.

    Raises:
        InvalidInputError: If it is whole and cannot be a data set as far as we must read it.
    """
    found: dict[str, str] = {}
    try:
        for element in walk(data, start=0, implicit=implicit):
            if element.depth == 0 and element.tag > _LAST:
                return Opening(**found, settled=True)
            if element.depth == 0 and element.tag in _TAGS:
                found[_TAGS[element.tag]] = text_of(bytes(data[element.start : element.start + element.length][:64]))
                if element.tag == _LAST:
                    return Opening(**found, settled=True)
    except InvalidInputError:
        if whole:
            raise
    return Opening(**found, settled=whole)
