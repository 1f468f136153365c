"""A file system of its own can be filled to the last byte and relieved; the machine's own cannot."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from shared.testing.small_disk import SmallDisk, small_disk


def test_a_small_disk_can_be_filled_and_relieved(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", 32) as disk:
        if not disk.own:
            pytest.skip("mounting needs root")
        disk.fill(4 << 20)
        assert (4 << 20) <= disk.free_bytes() < (6 << 20)

        disk.fill()
        with pytest.raises(OSError, match="No space") as refused:
            (disk.folder / "more").write_bytes(bytes(65536))
        assert refused.value.errno == errno.ENOSPC

        (disk.folder / "more").unlink()
        disk.relieve()
        (disk.folder / "more").write_bytes(bytes(65536))
    assert not (tmp_path / "small" / "more").exists()


def test_the_machines_own_disk_is_never_filled(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not filled"):
        SmallDisk(tmp_path, "shared").fill()
