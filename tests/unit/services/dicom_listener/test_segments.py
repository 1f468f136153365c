"""The inbox on disk: what is committed is found again byte for byte, and nothing else ever is."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.dicom_listener.adapters.direct_file import DirectFile
from services.dicom_listener.adapters.segments import SegmentInlet, Segments
from services.dicom_listener.formats.segment_record import PAGE, from_page
from services.dicom_listener.ports.inbox import Announced, Stored
from shared.dicom.part10 import data_set_start
from shared.domain.errors import OutOfResourcesError

BUFFER = 8 * PAGE


def _announced(number: int = 1) -> Announced:
    return Announced("1.2.840.10008.5.1.4.1.1.4", f"1.2.3.{number}", "1.2.840.10008.1.2.1", "PACS", 7)


@pytest.fixture
def segments(tmp_path: Path) -> Segments:
    found = Segments(tmp_path / "segments", buffer_bytes=BUFFER)
    found.prepare()
    return found


def _begin(inlet: SegmentInlet, content: bytes, number: int = 1) -> object:
    incoming = inlet.begin(_announced(number))
    rest = memoryview(content)
    while rest:
        room = incoming.room(len(rest))
        room[:] = rest[: len(room)]
        incoming.filled(len(room))
        rest = rest[len(room) :]
    return incoming


def _store(inlet: SegmentInlet, content: bytes, number: int = 1) -> Stored:
    return _begin(inlet, content, number).commit()  # type: ignore[attr-defined, no-any-return]


def _read(stored: Stored) -> bytes:
    """Return the data set behind a URI."""
    path, _, place = stored.uri.removeprefix("file://").partition("?")
    offset, length = (int(part.partition("=")[2]) for part in place.split("&"))
    with Path(path).open("rb") as stream:
        stream.seek(offset)
        content = stream.read(length)
    return content[data_set_start(memoryview(content)) :]


SIZES = [0, 1, PAGE - 1, PAGE, BUFFER - PAGE, BUFFER, BUFFER + 1, 3 * BUFFER, 5 * BUFFER + 17]


@pytest.mark.parametrize("size", SIZES)
def test_an_object_of_any_size_is_read_back_as_it_came(size: int, segments: Segments) -> None:
    inlet = segments.open(1, "PACS")
    content = os.urandom(size)
    stored = _store(inlet, content)

    assert _read(stored) == content
    assert list(segments.scan(stored.segment)) == [stored]


def test_objects_lie_one_behind_the_other_in_one_segment(segments: Segments) -> None:
    inlet = segments.open(1, "PACS")
    stored = [_store(inlet, os.urandom(size), number) for number, size in enumerate(SIZES)]
    inlet.close()

    assert segments.names() == (stored[0].segment,)
    assert list(segments.scan(stored[0].segment)) == stored
    assert list(segments.scan(stored[0].segment, stored[3].end)) == stored[4:]


def test_a_small_object_shows_nothing_of_the_larger_one_before_it(segments: Segments) -> None:
    inlet = segments.open(1, "PACS")
    _store(inlet, b"\xee" * BUFFER)
    stored = _store(inlet, b"\x11" * 10)

    assert b"\xee" not in (segments.folder / stored.segment).read_bytes()[stored.end - PAGE :]


def test_a_discarded_object_leaves_nothing(segments: Segments) -> None:
    inlet = segments.open(1, "PACS")
    first = _store(inlet, b"first")
    _begin(inlet, os.urandom(4 * BUFFER)).discard()  # type: ignore[attr-defined]

    assert (segments.folder / first.segment).stat().st_size == first.end
    second = _store(inlet, b"second")
    assert list(segments.scan(first.segment)) == [first, second]


def test_an_inlet_that_brought_nothing_leaves_no_file(segments: Segments) -> None:
    inlet = segments.open(1, "PACS")
    _begin(inlet, os.urandom(4 * BUFFER)).discard()  # type: ignore[attr-defined]
    inlet.close()

    assert segments.names() == ()


def test_segments_are_readable_by_nobody_else_and_their_names_say_nothing(segments: Segments) -> None:
    names = {_store(segments.open(1, "PACS"), b"x").segment for _ in range(2)}

    assert len(names) == 2
    assert not any("PACS" in name or "1.2.3" in name for name in names)
    assert {stat.S_IMODE((segments.folder / name).stat().st_mode) for name in names} == {0o600}


def test_a_full_segment_is_followed_by_another(tmp_path: Path) -> None:
    segments = Segments(tmp_path / "segments", segment_bytes=3 * PAGE, buffer_bytes=BUFFER)
    segments.prepare()
    inlet = segments.open(1, "PACS")
    stored = [_store(inlet, os.urandom(PAGE), number) for number in range(4)]

    assert len({one.segment for one in stored}) > 1
    assert [_read(one) != b"" for one in stored] == [True] * 4


@pytest.mark.parametrize("cut", [1, PAGE // 2, PAGE, PAGE + 100, 2 * PAGE])
def test_a_torn_tail_is_passed_over(cut: int, segments: Segments) -> None:
    inlet = segments.open(1, "PACS")
    first = _store(inlet, os.urandom(PAGE))
    second = _store(inlet, os.urandom(4 * PAGE))
    os.truncate(segments.folder / first.segment, second.end - PAGE - cut)

    assert list(segments.scan(first.segment)) == [first]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_whatever_bit_is_flipped_only_what_was_received_is_yielded(place: float, bit: int, segments: Segments) -> None:
    inlet = segments.open(1, "PACS")
    contents = [os.urandom(PAGE + 5) for _ in range(3)]
    stored = [_store(inlet, content, number) for number, content in enumerate(contents)]
    path = segments.folder / stored[0].segment
    disk = bytearray(path.read_bytes())
    position = int(place * len(disk))
    disk[position] ^= 1 << bit
    path.write_bytes(disk)

    scanned = list(segments.scan(path.name))

    found = [one for one in scanned if not one.damage]
    assert len(found) >= 2
    assert len(scanned) == 3 or found == stored[:2], "only the last record may be what a crash tore"
    assert all(_read(one) == contents[stored.index(one)] for one in found)
    inlet.close()
    path.unlink()


def test_bytes_a_sender_made_up_are_never_a_record(segments: Segments) -> None:
    """A copy of a real record, sent as the content of another object, is not found where it does not belong."""
    other = _store(segments.open(1, "PACS"), os.urandom(PAGE))
    forged = (segments.folder / other.segment).read_bytes()
    inlet = segments.open(2, "PACS")
    beginning = len(_read_file(_store(inlet, b"")))
    stored = _store(inlet, bytes(PAGE - beginning) + forged)
    path = segments.folder / stored.segment
    content = bytearray(path.read_bytes())
    content[PAGE * 2 : PAGE * 2 + 8] = b"destroyed"[:8]  # the real header is gone: the pages behind it are looked at
    path.write_bytes(content)

    assert from_page(forged[:PAGE]) is not None
    assert len(list(segments.scan(path.name))) == 1


def _read_file(stored: Stored) -> bytes:
    length = int(stored.uri.partition("length=")[2])
    return bytes(length)


def test_an_erased_object_is_gone_and_those_around_it_stay(segments: Segments) -> None:
    inlet = segments.open(1, "PACS")
    first, second, third = (_store(inlet, os.urandom(2 * PAGE), number) for number in range(3))
    path = segments.folder / first.segment
    with path.open("r+b") as stream:
        stream.seek(first.end)
        stream.write(bytes(second.end - first.end))

    assert list(segments.scan(path.name)) == [first, third]


@pytest.mark.parametrize("call", ["write", "sync"])
def test_a_disk_that_refuses_poisons_the_segment_and_the_next_object_goes_to_another(
    call: str, segments: Segments, monkeypatch: pytest.MonkeyPatch
) -> None:
    inlet = segments.open(1, "PACS")
    first = _store(inlet, b"first")
    with monkeypatch.context() as patched:
        patched.setattr(DirectFile, call, _refuse)
        with pytest.raises(OutOfResourcesError):
            _store(inlet, b"second")
    third = _store(inlet, b"third")

    assert third.segment != first.segment
    assert list(segments.scan(first.segment)) == [first]


def _refuse(*_: object) -> None:
    raise OSError(errno.ENOSPC, "no space left on device")


def test_a_disk_that_refuses_in_the_middle_of_a_large_object_says_so(
    segments: Segments, monkeypatch: pytest.MonkeyPatch
) -> None:
    inlet = segments.open(1, "PACS")
    monkeypatch.setattr(DirectFile, "write", _refuse)
    with pytest.raises(OutOfResourcesError):
        _begin(inlet, os.urandom(2 * BUFFER))


def test_a_file_system_without_o_direct_is_written_through_the_page_cache(
    segments: Segments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.dicom_listener.adapters.direct_file._O_DIRECT", 0)
    content = os.urandom(3 * BUFFER + 5)

    assert _read(_store(segments.open(1, "PACS"), content)) == content


def test_o_direct_refused_at_the_first_write_is_given_up(segments: Segments, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.pwrite
    refused: list[int] = []

    def pwrite(descriptor: int, content: memoryview, offset: int) -> int:
        if not refused:
            refused.append(offset)
            raise OSError(errno.EINVAL, "alignment")
        return real(descriptor, content, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)

    assert _read(_store(segments.open(1, "PACS"), b"content")) == b"content"
