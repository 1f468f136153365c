"""Only a regular file has content; a link to one has none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shared.storage.regular import GONE, pieces


def test_a_file_of_any_size_comes_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for size in (0, 1, (1 << 22) + 1):
        content = os.urandom(size)
        path.write_bytes(content)
        assert b"".join(pieces(path)) == content


def test_links_folders_pipes_and_nothing_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("secret")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "folder", "pipe", "nothing"):
        with pytest.raises(OSError) as error:  # noqa: PT011 - its number is what is judged
            list(pieces(tmp_path / name))
        assert error.value.errno in GONE, name
