"""What a jailed child may use, and how it is held to it."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from dataclasses import dataclass

_MIB = 1 << 20
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one child; one task at a time runs in it."""

    memory_mb: int = 512
    """Memory of its own in MiB (heap, stacks, private mappings): ``RLIMIT_DATA``."""
    mapped_mb: int = 4096
    """Further address space in MiB, for files mapped read-only; they are memory only as long as nobody needs it."""
    cpu_s: int = 30
    """Processor time per task, in whole seconds."""
    wall_s: float = 60.0
    """Longest wait for an answer, in seconds."""
    answer_bytes: int = 4 * _MIB
    """Largest answer."""
    window_mb: int = 0
    """Size of the window for arrays, in MiB: memory as far as it is filled, on top of ``memory_mb``. 0: none; else the
    functions get a ``shared.jail.window.Filling`` as ``window``, and a child is used once."""
    niceness: int = 5
    """Added to the parent's: doors come first."""
    tasks_per_child: int = 10_000
    """After so many a fresh child follows, so that a leak in native code does not matter."""
    open_files: int = 32
    """Descriptors: two pipes, the files that are read, and what an import needs."""


_THREADS = 32


def confine(limits: Limits) -> None:
    """Hold this process to its limits; what has a hard limit cannot be taken back.

    Processor time is limited per task by the parent, see ``jail.Child``.
    """
    memory = limits.memory_mb * _MIB
    space = memory + (limits.mapped_mb + limits.window_mb) * _MIB
    for which, value in (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_AS, space),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_NPROC, _THREADS),
    ):
        resource.setrlimit(which, (value, value))
    os.nice(limits.niceness)
    if sys.platform == "linux":
        _die_with_the_parent()


def _die_with_the_parent() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)  # nobody attaches to it, and no core dump holds a patient's image
