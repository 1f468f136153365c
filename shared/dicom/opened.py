"""A stored object in memory, read-only, while somebody looks at it."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from shared.dicom.part10 import file_meta
from shared.dicom.stored_object import StoredObject
from shared.dicom.transfer_syntaxes import is_implicit
from shared.domain.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Opened:
    """A DICOM file (PS3.10) in memory."""

    view: memoryview
    transfer_syntax: str
    start: int
    """Offset of the data set."""

    @property
    def implicit(self) -> bool:
        """Tell whether its elements carry no value representations."""
        return is_implicit(self.transfer_syntax)


@contextmanager
def opened(stored: StoredObject) -> Iterator[Opened]:
    """Map an object into memory, and nothing around it.

    Raises:
        InvalidInputError: If it is no DICOM file, or its file ends before it does.
        OSError: If there is no such file.
    """
    before = stored.offset % mmap.ALLOCATIONGRANULARITY
    with stored.path.open("rb") as stream:
        there = stream.seek(0, 2) - stored.offset
        length = there if stored.length is None else stored.length
        if not 0 < length <= there:
            raise InvalidInputError("object", "is empty, or its file ends before it does")
        memory = mmap.mmap(stream.fileno(), before + length, access=mmap.ACCESS_READ, offset=stored.offset - before)
    view = memoryview(memory)[before:]
    try:
        meta = file_meta(view)
        if meta is None:
            raise InvalidInputError("file meta information", "is cut off")
        yield Opened(view, meta.transfer_syntax, meta.end)
    finally:
        with suppress(BufferError):  # an exception on its way may still hold a part of it
            view.release()
            memory.close()
