"""Memory that one child fills and its parent reads: arrays leave the jail without being copied or sent.

The parent makes it, of a fixed size, and seals that size: no child shrinks it under the parent's feet or makes it
larger. Pages count as memory only once they are written. Whoever opens it has ended the child first, so that nothing
changes while it is read; whoever looks into that of a living child gets copies, which nobody changes after they were
checked.
"""

from __future__ import annotations

import fcntl
import math
import mmap
import os
import sys
import tempfile
from typing import Any, TypedDict

import numpy as np
from numpy.typing import DTypeLike, NDArray

from shared.domain.errors import InvalidInputError, OutOfResourcesError

KINDS = ("int16", "float32", "uint8")
"""Types of values that an array in a window may have."""
_ALIGNED = 64
_MOST_DIMENSIONS = 4


class Spot(TypedDict):
    """Where an array lies in a window; JSON can hold it."""

    offset: int
    shape: list[int]
    kind: str


class Window:
    """The parent's side."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._descriptor = _sealed(size)

    @property
    def descriptor(self) -> int:
        """Return the descriptor the child is given."""
        return self._descriptor

    def open(self) -> Seen:
        """Return what lies in it, and close it; the memory is given back when the last array is gone.

        The child must have ended.
        """
        seen = Seen(self._mapped())
        self.close()
        return seen

    def look(self) -> Copies:
        """Return copies of what lies in it, now and later; for a child that lives on."""
        return Copies(Seen(self._mapped()))

    def close(self) -> None:
        """Give the memory back, unless somebody has opened it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _mapped(self) -> mmap.mmap:
        try:
            return mmap.mmap(self._descriptor, self.size, access=mmap.ACCESS_READ)
        except OSError as error:
            raise OutOfResourcesError("no address space is left for the jail's window") from error


class Seen:
    """What a child left in its window; nothing it says about it is believed."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._memory = memory

    def array(self, spot: Any) -> NDArray[Any]:
        """Return the array at ``spot``, read-only.

        Raises:
            InvalidInputError: If there can be none.
        """
        match spot:
            case {"offset": int(offset), "shape": [*shape], "kind": str(kind)} if kind in KINDS:
                pass
            case _:
                raise InvalidInputError("window", "what the child says of an array is not understood")
        if not 1 <= len(shape) <= _MOST_DIMENSIONS or not all(type(one) is int and one > 0 for one in shape):
            raise InvalidInputError("window", "an array has no such shape")
        count = math.prod(shape)
        if offset < 0 or offset % _ALIGNED or offset + count * np.dtype(kind).itemsize > len(self._memory):
            raise InvalidInputError("window", "an array does not lie in it")
        found: NDArray[Any] = np.frombuffer(self._memory, kind, count, offset).reshape(shape)
        return found


class Copies:
    """Copies out of the window of a child that lives on, and may write while they are taken."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    def array(self, spot: Any) -> NDArray[Any]:
        """Return a copy of the array at ``spot``; its values are whatever the child last wrote, torn in the middle too.

        Raises:
            InvalidInputError: If there can be none.
        """
        return self._seen.array(spot).copy()


class Filling:
    """The child's side: arrays one behind the other."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._memory = np.frombuffer(mmap.mmap(descriptor, size), np.uint8)
        os.close(descriptor)
        self._used = 0

    def room(self, shape: tuple[int, ...], kind: DTypeLike) -> NDArray[Any]:
        """Return an array in the window: of zeros, unless the window was cleared.

        Raises:
            MemoryError: If it does not fit any more.
        """
        size = math.prod(shape) * np.dtype(kind).itemsize
        if self._used + size > self._memory.size:
            raise MemoryError("the window is full")
        start, self._used = self._used, self._used + -(-size // _ALIGNED) * _ALIGNED
        taken: NDArray[Any] = self._memory[start : start + size].view(kind).reshape(shape)
        return taken

    def clear(self) -> None:
        """Start again at the beginning; what lies there is overwritten by what follows."""
        self._used = 0

    def put(self, array: NDArray[Any]) -> Spot:
        """Return where ``array`` lies, after copying it into the window where it does not lie there yet.

        Raises:
            MemoryError: If it does not fit any more.
        """
        offset = array.__array_interface__["data"][0] - self._memory.__array_interface__["data"][0]
        inside = offset >= 0 and offset + array.nbytes <= self._used and not offset % _ALIGNED
        if not (inside and array.flags.c_contiguous):
            copy = self.room(array.shape, array.dtype)
            copy[...] = array
            return self.put(copy)
        return Spot(offset=offset, shape=list(array.shape), kind=array.dtype.name)


def _sealed(size: int) -> int:
    """Return the descriptor of memory of a fixed size; of a deleted file elsewhere than on Linux."""
    try:
        if sys.platform != "linux":
            with tempfile.TemporaryFile() as stream:
                stream.truncate(size)
                return os.dup(stream.fileno())
        descriptor = os.memfd_create("window", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(descriptor, size)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    except OSError as error:
        raise OutOfResourcesError("no memory can be set aside for the jail's window") from error
    return descriptor
