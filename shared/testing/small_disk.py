"""A small file system that a test may fill to the last byte, without hurting the machine's own."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A folder with its own file system, or (``shared``) a folder of the machine's."""

    folder: Path
    kind: str
    """``ext4`` (on a loop device), ``tmpfs``, or ``shared``: then only the watermark can be reached, not the end."""

    @property
    def own(self) -> bool:
        """Tell whether it may be filled."""
        return self.kind != "shared"

    def free_bytes(self) -> int:
        """Return how much a process may still write."""
        return shutil.disk_usage(self.folder).free

    def fill(self, leave_bytes: int = 0) -> None:
        """Write ballast until ``leave_bytes`` are left; ``relieve`` takes it away again."""
        if not self.own and leave_bytes == 0:
            raise ValueError("a shared file system is not filled to the end")
        with self._ballast.open("ab") as stream:
            step = max(4096, self.free_bytes() - leave_bytes)
            while step >= 4096:
                step = step if _grow(stream.fileno(), min(step, self.free_bytes() - leave_bytes)) else step // 2
                if self.free_bytes() - leave_bytes < 4096:
                    return

    def relieve(self) -> None:
        """Take the ballast away."""
        self._ballast.unlink(missing_ok=True)

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"


def _grow(descriptor: int, size: int) -> bool:
    if size <= 0:
        return False
    try:
        os.posix_fallocate(descriptor, os.fstat(descriptor).st_size, size)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EFBIG):
            raise
        return False
    return True


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount a file system of this size at ``folder`` where we may (root), else say that it is shared.

    ext4 on a sparse file first, because there ``fsync`` is real; tmpfs where there is no loop device.
    """
    folder.mkdir(parents=True, exist_ok=True)
    image = folder.with_name(f"{folder.name}.img")
    kind = _mounted(folder, image, megabytes)
    try:
        yield SmallDisk(folder, kind)
    finally:
        if kind != "shared":
            subprocess.run(["umount", "-l", str(folder)], capture_output=True, timeout=30)
        image.unlink(missing_ok=True)


def _mounted(folder: Path, image: Path, megabytes: int) -> str:
    if os.geteuid() != 0:
        return "shared"
    with image.open("wb") as stream:
        stream.truncate(megabytes * _MIB)
    # No blocks in reserve for root (-m 0): full means full for everybody.
    if _done("mkfs.ext4", "-q", "-m", "0", str(image)) and _done("mount", "-o", "loop", str(image), str(folder)):
        return "ext4"
    image.unlink()
    return "tmpfs" if _done("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(folder)) else "shared"


def _done(*command: str) -> bool:
    if shutil.which(command[0], path=f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin") is None:
        return False
    environment = os.environ | {"PATH": f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin"}
    return subprocess.run(command, capture_output=True, timeout=120, env=environment).returncode == 0
