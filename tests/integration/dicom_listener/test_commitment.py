"""Storage commitment by the real listener; pynetdicom and Orthanc ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, evt

from services.dicom_listener.formats.commitment import PUSH_MODEL, PUSH_MODEL_INSTANCE, encoded_request
from services.dicom_listener.ports.commitment import Reference
from shared.domain.identity import PatientIdentity
from shared.rpc.governance import ObjectErasureClient
from shared.testing import orthanc
from shared.testing.dicom import Sender, encoded, small_series
from shared.testing.listener_process import ListenerProcess
from shared.testing.ports import free_port, wait_until

pytestmark = pytest.mark.integration

_EXTRA = """settle_s = 0.2
quiet_s = 2.0
stop_grace_s = 2.0
door = "{door}"
commitment_timeout_s = 3.0

[[dicom_listener.peers]]
ae_title = "PACS"
host = "127.0.0.1"
port = {port}
"""


@dataclass
class Requestor:
    """Asks by N-ACTION, and hears reports on a door of its own."""

    port: int = field(default_factory=free_port)
    reports: list[tuple[int, Dataset]] = field(default_factory=list)
    server: Any = None

    def listen(self) -> None:
        entity = AE("PACS")
        entity.add_supported_context(PUSH_MODEL, scu_role=False, scp_role=True)
        self.server = entity.start_server(
            ("127.0.0.1", self.port), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, self._hear)]
        )

    def stop(self) -> None:
        if self.server:
            self.server.shutdown()

    def _hear(self, event: Any) -> tuple[int, None]:
        self.reports.append((int(event.event_type), event.event_information))
        return 0x0000, None

    def ask(self, port: int, references: list[Reference], *, calling: str = "PACS", transaction: str = "") -> int:
        entity = AE(calling)
        entity.add_requested_context(PUSH_MODEL)
        association = entity.associate("127.0.0.1", port, ae_title="ONCORELAY")
        assert association.is_established
        request = encoded_request(transaction or generate_uid(), references)
        status, _ = association.send_n_action(request, 1, PUSH_MODEL, PUSH_MODEL_INSTANCE)
        association.release()
        return int(status.Status)


@pytest.fixture
def requestor() -> Iterator[Requestor]:
    requestor = Requestor()
    yield requestor
    requestor.stop()


@pytest.fixture(params=["own", "pynetdicom"])
def listener(request: pytest.FixtureRequest, tmp_path: Path, requestor: Requestor) -> Iterator[ListenerProcess]:
    extra = _EXTRA.format(door=request.param, port=requestor.port)
    process = ListenerProcess(tmp_path, extra=extra, senders=("PACS", "STRANGER"))
    process.start()
    yield process
    process.stop()


def references(images: tuple[Dataset, ...]) -> list[Reference]:
    return [Reference(str(image.SOPClassUID), str(image.SOPInstanceUID)) for image in images]


def test_what_was_stored_a_moment_ago_is_committed_on_a_new_association(
    listener: ListenerProcess, requestor: Requestor
) -> None:
    requestor.listen()
    images = small_series(5)
    Sender(listener.port).send(images)

    assert requestor.ask(listener.port, references(images)) == 0x0000

    wait_until(lambda: bool(requestor.reports), "the report")
    event_type, information = requestor.reports[0]
    assert event_type == 1
    assert {item.ReferencedSOPInstanceUID for item in information.ReferencedSOPSequence} == {
        image.SOPInstanceUID for image in images
    }


def test_what_is_not_here_fails_with_its_reason(listener: ListenerProcess, requestor: Requestor) -> None:
    requestor.listen()
    here, missing = small_series(2)
    Sender(listener.port).send((here,))
    wrong_class = Reference("1.2.840.10008.5.1.4.1.1.2", str(here.SOPInstanceUID))

    requestor.ask(listener.port, [*references((here, missing)), wrong_class])

    wait_until(lambda: bool(requestor.reports), "the report")
    event_type, information = requestor.reports[0]
    assert event_type == 2
    assert [item.FailureReason for item in information.FailedSOPSequence] == [0x0112, 0x0119]
    assert len(information.ReferencedSOPSequence) == 1


def test_somebody_without_a_configured_address_is_refused(listener: ListenerProcess, requestor: Requestor) -> None:
    assert requestor.ask(listener.port, references(small_series(1)), calling="STRANGER") == 0x0124


def test_a_report_waits_for_a_requestor_that_is_away_and_survives_kill_9(
    listener: ListenerProcess, requestor: Requestor
) -> None:
    images = small_series(2)
    Sender(listener.port).send(images)
    transaction = generate_uid()
    assert requestor.ask(listener.port, references(images), transaction=transaction) == 0x0000
    listener.kill()
    listener.start()
    assert requestor.ask(listener.port, references(images), transaction=transaction) == 0x0000

    requestor.listen()

    wait_until(lambda: bool(requestor.reports), "the report")
    assert str(requestor.reports[0][1].TransactionUID) == transaction
    assert len(requestor.reports[0][1].ReferencedSOPSequence) == 2


@pytest.mark.skipif(not orthanc.installed(), reason="needs Debian's orthanc")
def test_orthanc_asks_and_hears(tmp_path: Path) -> None:
    dicom_port = free_port()
    listener = ListenerProcess(tmp_path, extra=_EXTRA.format(door="own", port=dicom_port))
    known = {"oncorelay": orthanc.Modality("ONCORELAY", listener.port)}
    listener.start()
    try:
        with orthanc.start_orthanc(tmp_path / "o", ae_title="PACS", modalities=known, dicom_port=dicom_port) as archive:
            sent = [archive.upload(encoded(image)) for image in small_series(3)]
            archive.send("oncorelay", *sent)

            asked = archive.post("/modalities/oncorelay/storage-commitment", {"Resources": sent})

            path = f"/storage-commitment/{asked['ID']}"
            wait_until(lambda: archive.get(path)["Status"] != "Pending", "Orthanc to hear", timeout_s=20)
            outcome = archive.get(path)
    except httpx.HTTPStatusError as error:
        raise AssertionError(f"{error.response.text}\n{listener.log}") from error
    finally:
        listener.stop()

    assert outcome["Status"] == "Success"
    assert len(outcome["Success"]) == 3


def test_an_erased_instance_is_no_such_object(listener: ListenerProcess, requestor: Requestor) -> None:
    requestor.listen()
    images = small_series(2)
    Sender(listener.port).send(images)
    requestor.ask(listener.port, references(images))
    wait_until(lambda: len(requestor.reports) == 1, "the report")
    client = ObjectErasureClient(f"127.0.0.1:{listener.grpc_port}")
    asked = client.erase(PatientIdentity("phantoms", str(images[0].PatientID)), "asked for")
    client.close()

    requestor.ask(listener.port, references(images))

    wait_until(lambda: len(requestor.reports) == 2, "the second report")
    event_type, information = requestor.reports[1]
    assert (asked.instance_count, event_type) == (2, 2)
    assert [item.FailureReason for item in information.FailedSOPSequence] == [0x0112, 0x0112]
