"""Who may talk to the listener, and what becomes of those who do not behave. DCMTK is the modality."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from pydicom.uid import (
    UID,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    JPEGExtended12Bit,
    MRImageStorage,
)
from pynetdicom import AE

from shared.testing.dicom import Sender, knock, small_series
from shared.testing.listener_process import ListenerProcess
from shared.testing.ports import wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not Path("/usr/bin/storescu").exists(), reason="dcmtk is not installed"),
]


def _dcmtk(program: str, port: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [f"/usr/bin/{program}", *arguments, "127.0.0.1", str(port)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def _echo(port: int, called: str, calling: str) -> str:
    answer = _dcmtk("echoscu", port, "-v", "-aec", called, "-aet", calling)
    return answer.stdout + answer.stderr


def test_a_listed_sender_is_echoed(listener: ListenerProcess) -> None:
    assert _dcmtk("echoscu", listener.port, "-aec", "ONCORELAY").returncode == 0


def test_another_called_title_is_rejected_for_that_reason(listener: ListenerProcess) -> None:
    assert "Called AE Title Not Recognized" in _echo(listener.port, "SOMEBODY", "PACS")


def test_an_unlisted_sender_is_rejected_for_that_reason(listener: ListenerProcess) -> None:
    assert "Calling AE Title Not Recognized" in _echo(listener.port, "ONCORELAY", "STRANGER")


def test_nobody_is_let_in_where_nobody_is_listed(tmp_path: Path) -> None:
    with_nobody = ListenerProcess(tmp_path, senders=())
    with_nobody.start()
    try:
        assert "Calling AE Title Not Recognized" in _echo(with_nobody.port, "ONCORELAY", "PACS")
    finally:
        with_nobody.stop()


@pytest.mark.parametrize("syntax", [ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, JPEGExtended12Bit])
def test_what_cannot_be_decoded_is_not_negotiated(syntax: UID, listener: ListenerProcess) -> None:
    entity = AE("PACS")
    entity.add_requested_context(MRImageStorage, syntax)
    entity.add_requested_context(CTImageStorage)
    association = entity.associate("127.0.0.1", listener.port, ae_title="ONCORELAY")
    association.release()

    assert [context.abstract_syntax for context in association.rejected_contexts] == [MRImageStorage]


def test_probes_garbage_and_cut_associations_leave_no_thread(tmp_path: Path) -> None:
    listener = ListenerProcess(tmp_path, extra="settle_s = 0.1\nquiet_s = 1.0\nacse_timeout_s = 1.0")
    listener.start()
    images = small_series(2)
    sender = Sender(listener.port)
    try:
        sender.send(images)
        before = _settled_threads(listener)
        for _ in range(5):
            knock(listener.port)
            knock(listener.port, b"GET / HTTP/1.0\r\n\r\n")
            association = sender.associate(images)
            association.send_c_store(images[0])
            association.abort()

        wait_until(lambda: listener.thread_count() <= before, "all threads to end")
        assert sender.send(images) == (0, 0)
    finally:
        listener.stop()


def _settled_threads(listener: ListenerProcess) -> int:
    """Return the number of threads once it does not change for two seconds."""
    seen: list[int] = []

    def settled() -> bool:
        seen.append(listener.thread_count())
        return len(seen) > 40 and len(set(seen[-40:])) == 1

    wait_until(settled, "the number of threads to settle")
    return seen[-1]


def test_an_object_beyond_the_limit_aborts_the_association(tmp_path: Path) -> None:
    listener = ListenerProcess(tmp_path, extra="max_object_mb = 1")
    listener.start()
    (image,) = small_series(1)
    image.PixelData = bytes(3 << 20)
    try:
        association = Sender(listener.port).associate([image])
        status = association.send_c_store(image)

        assert "Status" not in status
        wait_until(lambda: "object_too_large" in listener.log, "the log")
        wait_until(lambda: not list((tmp_path / "data/blobs/dicom").rglob("*.seg")), "what came of it to be gone")
        assert Sender(listener.port).send(small_series(1)) == (0,)
    finally:
        listener.stop()


def test_one_association_too_many_is_a_transient_rejection(tmp_path: Path) -> None:
    listener = ListenerProcess(tmp_path, extra="max_associations = 1\nacse_timeout_s = 0.5")
    listener.start()
    try:
        wait_until(lambda: "Success" in _echo_success(listener.port), "the probe's place to be free")
        association = Sender(listener.port).associate(small_series(1))
        refused = _echo(listener.port, "ONCORELAY", "PACS")
        association.release()

        assert "Rejected Transient" in refused
        assert "Local Limit Exceeded" in refused
    finally:
        listener.stop()


def _echo_success(port: int) -> str:
    return "Success" if _dcmtk("echoscu", port, "-aec", "ONCORELAY").returncode == 0 else ""


def test_an_orderly_stop_ends_with_status_zero(breakable: ListenerProcess) -> None:
    assert breakable.stop() == 0
    assert "listener_stopped" in breakable.log


def test_readiness_names_title_and_port(listener: ListenerProcess) -> None:
    wait_until(lambda: '"event": "ready"' in listener.log, "the readiness line")

    assert f"ONCORELAY on 127.0.0.1:{listener.port}" in listener.log
