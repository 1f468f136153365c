"""One object of 750 MB: neither the door nor what is behind it needs memory for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from struct import pack

import pytest

from shared.testing.listener_process import ListenerProcess
from shared.testing.ports import wait_until
from tests.raw_dicom import RELEASE_RQ, Peer, c_store_rq, data, explicit, small_object, value

pytestmark = pytest.mark.integration

UID = "1.2.3.4"
SIZE = 750 << 20
PIECE = bytes(131_000)


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[ListenerProcess]:
    process = ListenerProcess(tmp_path)
    process.start()
    yield process
    process.stop()
    shutil.rmtree(tmp_path / "data")  # pytest keeps the folders of its last runs


def test_an_object_of_750_mb_arrives_and_is_judged_in_less_than_200_mb_of_memory(listener: ListenerProcess) -> None:
    with Peer(listener.port, 60.0) as peer:
        peer.associate()
        peer.say(data(value(1, 3, c_store_rq(UID))), data(value(1, 0, _header())))
        left = SIZE
        while left:
            piece = PIECE[:left]
            left -= len(piece)
            peer.say(data(value(1, 0 if left else 2, piece)))
        assert peer.status() == 0
        peer.say(RELEASE_RQ)
        peer.hear()
    wait_until(lambda: _judged(listener.journal), "the judgement", timeout_s=60)

    assert _peak_mb(listener) < 200


def _header() -> bytes:
    """Return everything up to the pixels: it can be placed, and says how long they are."""
    place = explicit(0x0020000D, b"UI", b"1.2.3\0") + explicit(0x0020000E, b"UI", b"1.2.3.9\0")
    return small_object(UID, place + pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, SIZE))


def _judged(journal: Path) -> bool:
    return any(b'"InstanceStored"' in path.read_bytes() for path in journal.glob("*.jsonl"))


def _peak_mb(listener: ListenerProcess) -> float:
    assert listener.process
    status = Path(f"/proc/{listener.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
