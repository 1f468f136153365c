"""The elements of an image that say what each of its frames is: plain, shared by all frames, or of one frame.

Of an enhanced multi-frame object (PS3.3 C.7.6.16) each macro has its own sequence, and an attribute means the same in
all of them, so the values are taken by tag, wherever inside the functional groups they stand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.dicom.elements import ITEM, Element, walk
from shared.dicom.header import MAX_VALUE_BYTES
from shared.domain.errors import InvalidInputError

SHARED, PER_FRAME = 0x52009229, 0x52009230
"""Shared and Per-frame Functional Groups Sequence."""
MOST_FRAMES = 20_000
"""Frames of one object; a study of 2,000 slices and eight phases stays below it."""
_PIXELS = 0x7FE00008
"""First tag of pixel data, float, double or integer; nothing behind it describes frames."""

Values = dict[int, bytes]
"""Tag -> value as stored."""


@dataclass(slots=True)
class Described:
    """Raw values of one object."""

    plain: Values = field(default_factory=dict)
    """Those of the data set itself."""
    shared: Values = field(default_factory=dict)
    frames: list[Values] = field(default_factory=list)
    nested: dict[tuple[int, int], bytes] = field(default_factory=dict)
    """First value of elements inside other top-level sequences, by (sequence, tag)."""

    def of(self, index: int) -> Values:
        """Return what holds for one frame: its own values before the shared ones before the plain ones."""
        own = self.frames[index] if index < len(self.frames) else {}
        return {**self.plain, **self.shared, **own}


def described(view: memoryview, *, start: int, implicit: bool, wanted: Iterable[int]) -> Described:
    """Return the values of ``wanted`` in the data set that begins at ``start``; pixel data is not reached.

    Raises:
        InvalidInputError: If it is not a data set, or has more frames than anybody reads.
    """
    tags, found = frozenset(wanted), Described()
    group: Values | None = found.plain
    sequence = 0
    for element in walk(view, start=start, implicit=implicit):
        if element.depth == 0 and element.parent == 0:
            if element.tag >= _PIXELS:
                break
            group, sequence = found.plain, element.tag
        elif element.depth == 1 and element.tag == ITEM:
            group = _group_of(found, element.parent)
        if element.tag in tags:
            _keep(found, group, sequence, element, view)
    return found


def _group_of(found: Described, sequence: int) -> Values | None:
    """Return where the values of an item belong."""
    if sequence == SHARED:
        return found.shared
    if sequence != PER_FRAME:
        return None
    if len(found.frames) >= MOST_FRAMES:
        raise InvalidInputError("(5200,9230)", f"more than {MOST_FRAMES} frames")
    found.frames.append({})
    return found.frames[-1]


def _keep(found: Described, group: Values | None, sequence: int, element: Element, view: memoryview) -> None:
    value = bytes(view[element.start : element.start + min(element.length, MAX_VALUE_BYTES)])
    if group is None:
        found.nested.setdefault((sequence, element.tag), value)
    elif value or element.tag not in group:
        group[element.tag] = value
