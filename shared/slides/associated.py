"""Label, overview and thumbnail of a DICOM slide that come as a series of their own: no slide, and never opened.

What an instance shows is value 3 of Image Type (0008,0008), PS3.3 C.8.12.4.1.1. It stands at the very beginning of an
object; nothing behind it is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag
from pydicom.uid import VLWholeSlideMicroscopyImageStorage

from shared.pathology.trouble import SlideProblem, SlideTrouble

KINDS = {"LABEL": "label", "OVERVIEW": "overview", "THUMBNAIL": "thumbnail"}
"""Value 3 of what is no level of a pyramid -> how people call it."""
_SOP_CLASS = 0x00080016
_VALUE_3 = 2


def associated(paths: Sequence[Path]) -> SlideTrouble | None:
    """Return that these DICOM files are pictures beside a slide; None where one of them may be a level of it."""
    kinds = set[str]()
    for path in paths:
        kind = _kind(path)
        if not kind:
            return None
        kinds.add(kind)
    if not kinds:
        return None
    text = f"It holds only the {' and the '.join(sorted(kinds))} of a slide, and is no slide of its own."
    return SlideTrouble(SlideProblem.ASSOCIATED, text)


def _kind(path: Path) -> str:
    """Return what an object shows beside a slide; empty for a level, and for anything that is not understood."""
    try:
        with path.open("rb") as stream:
            beginning = read_partial(stream, stop_when=_is_behind)
        shows = beginning.get("ImageType") or ()
    except (InvalidDicomError, OSError, ValueError, TypeError, NotImplementedError, AttributeError):
        return ""
    if beginning.get("SOPClassUID") != VLWholeSlideMicroscopyImageStorage or len(shows) <= _VALUE_3:
        return ""
    return KINDS.get(str(shows[_VALUE_3]), "")


def _is_behind(tag: BaseTag, vr: str | None, length: int) -> bool:  # noqa: ARG001
    return int(tag) > _SOP_CLASS
