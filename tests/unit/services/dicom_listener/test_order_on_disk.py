"""Success means synced: write, then sync, then the answer, seen at the system calls."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from services.dicom_listener.adapters.journal import JournalFolder
from services.dicom_listener.adapters.segments import Segments
from services.dicom_listener.ports.inbox import Announced
from services.dicom_listener.ports.records import OwnOutputSeen

RECORD = OwnOutputSeen("1.2", "1.3", "2026-01-15T10:00:00+00:00")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the calls that reach the disk, in order; an fsync of a folder is called so."""
    seen: list[str] = []

    def spy(name: str) -> None:
        real = getattr(os, name)

        def call(descriptor: int, *rest: object) -> object:
            answer = real(descriptor, *rest)
            folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
            seen.append(f"{name} of the folder" if folder else name)
            return answer

        monkeypatch.setattr(os, name, call)

    for name in ("pwrite", "write", "fdatasync", "fsync"):
        spy(name)
    return seen


def _store(segments: Segments, count: int, size: int, calls: list[str]) -> None:
    inlet = segments.open(1, "PACS")
    for number in range(count):
        incoming = inlet.begin(Announced("1.2", f"1.2.{number}", "1.2.840.10008.1.2.1", "PACS", 1))
        rest = size
        while rest:
            room = incoming.room(rest)
            incoming.filled(len(room))
            rest -= len(room)
        incoming.commit()
        calls.append("answer")
    inlet.close()


def test_every_object_is_written_then_synced_then_answered(tmp_path: Path, calls: list[str]) -> None:
    segments = Segments(tmp_path)
    segments.prepare()
    calls.clear()
    _store(segments, 2, 100, calls)

    assert calls == ["fsync of the folder", "pwrite", "fdatasync", "answer", "pwrite", "fdatasync", "answer"]


def test_nothing_of_a_large_object_is_written_after_its_sync(tmp_path: Path, calls: list[str]) -> None:
    segments = Segments(tmp_path, buffer_bytes=8 * 4096)
    segments.prepare()
    calls.clear()
    _store(segments, 1, 100_000, calls)

    assert calls[0] == "fsync of the folder"
    assert calls[-2:] == ["fdatasync", "answer"]
    assert set(calls[1:-2]) == {"pwrite"}
    assert calls.count("pwrite") > 2


def test_the_inbox_is_made_durably(tmp_path: Path, calls: list[str]) -> None:
    Segments(tmp_path / "new").prepare()

    assert calls == ["fsync of the folder"] * 2


def test_a_record_is_written_then_synced_then_returned(tmp_path: Path, calls: list[str]) -> None:
    _, writer = JournalFolder(tmp_path).begin()
    assert calls[-1] == "fsync of the folder"
    calls.clear()
    for _ in range(2):
        writer.append(RECORD)
        calls.append("answer")

    assert calls == ["write", "fsync", "answer"] * 2
    writer.close()
