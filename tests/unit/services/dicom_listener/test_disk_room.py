"""The fullest file system counts, in bytes and in inodes."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.dicom_listener.adapters.disk_room import least_free


def test_the_fullest_file_system_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = {tmp_path / "blobs": 9, tmp_path / "data": 2}
    for folder in free:
        folder.mkdir()

    def statvfs(folder: Path) -> SimpleNamespace:
        return SimpleNamespace(f_bavail=free[folder], f_frsize=512, f_files=0, f_favail=0)

    monkeypatch.setattr(os, "statvfs", statvfs)

    assert least_free(free) == 1024


def test_a_file_system_without_inodes_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = SimpleNamespace(f_bavail=10**9, f_frsize=512, f_files=10**6, f_favail=3)
    monkeypatch.setattr(os, "statvfs", lambda _: answer)

    assert least_free([tmp_path]) == 0
