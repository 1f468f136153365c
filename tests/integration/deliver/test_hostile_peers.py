"""A peer that says nothing, hangs up, or answers garbage: the sink's failure, bounded in time; nobody else waits."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from services.results.config import Settings, SinkSettings
from services.results.deliver.adapters.sinks import build_sink
from services.results.deliver.app import build
from services.results.deliver.ports import BusyError, NotReachedError
from shared.domain.errors import OncoRelayError, OutOfResourcesError, UnavailableError
from shared.testing.ports import free_port, wait_until
from tests.findings import MADE
from tests.integration.deliver.conftest import PACS_TITLE, Patient
from tests.memory_deliveries import MemoryDeliveries

pytestmark = pytest.mark.integration

Behaviour = Callable[[socket.socket], None]


def nothing(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def reset(connection: socket.socket) -> None:
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def says(answer: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    return behave


# PS3.8 9.3.4 and 9.3.8: A-ASSOCIATE-RJ (transient, presentation layer, temporary congestion) and A-ABORT.
REJECT = bytes([3, 0, 0, 0, 0, 4, 0, 2, 3, 1])
ABORT = bytes([7, 0, 0, 0, 0, 4, 0, 0, 2, 0])
BEHAVIOURS: dict[str, Behaviour] = {
    "nothing": nothing,
    "reset": reset,
    "garbage": says(b"\xff\x00garbage\r\n\r\n" * 20),
    "http garbage": says(b"HTTP/1.1 9999 \x00\r\nContent-Length: -4\r\n\r\n"),
    "endless length": says(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n{"),
    "A-ABORT": says(ABORT),
    "A-ASSOCIATE-RJ": says(REJECT),
}


@contextmanager
def peer(behave: Behaviour) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, behave), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _serve(listener: socket.socket, behave: Behaviour) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_behave, args=(connection, behave), daemon=True).start()


def _behave(connection: socket.socket, behave: Behaviour) -> None:
    with connection:
        try:
            behave(connection)
        except OSError:
            return


def table(kind: str, port: int) -> SinkSettings:
    places: dict[str, dict[str, object]] = {
        "dicom-cstore": {"port": port, "ae_title": PACS_TITLE},
        "dicom-stow": {"url": f"http://127.0.0.1:{port}"},
        "fhir": {"url": f"http://127.0.0.1:{port}"},
    }
    return SinkSettings.model_validate({"name": "bad", "kind": kind, "timeout_s": 0.5, **places[kind]})


@pytest.mark.parametrize("kind", ["dicom-cstore", "dicom-stow", "fhir"])
@pytest.mark.parametrize("how", BEHAVIOURS)
def test_it_is_the_sinks_failure_and_no_deliverys(
    how: str, kind: str, settings: Settings, opened: ExitStack, patient: Patient
) -> None:
    with peer(BEHAVIOURS[how]) as port, pytest.raises(OncoRelayError) as caught:
        build_sink(settings, table(kind, port), opened).deliver(patient.of(patient.findings.prediction()), ())
    assert isinstance(caught.value, UnavailableError | OutOfResourcesError)
    assert patient.identifier not in str(caught.value)


@pytest.mark.parametrize("kind", ["dicom-cstore", "dicom-stow", "fhir"])
def test_where_nobody_listens_nothing_has_left(
    kind: str, settings: Settings, opened: ExitStack, patient: Patient
) -> None:
    with pytest.raises(NotReachedError):
        build_sink(settings, table(kind, free_port()), opened).deliver(patient.of(patient.findings.prediction()), ())


@pytest.mark.parametrize("kind", ["dicom-stow", "fhir"])
def test_a_server_that_says_when_to_come_again_is_heard(
    kind: str, settings: Settings, opened: ExitStack, patient: Patient
) -> None:
    answer = says(b"HTTP/1.1 503 Busy\r\nRetry-After: 37\r\nContent-Length: 0\r\n\r\n")
    with peer(answer) as port, pytest.raises(BusyError) as caught:
        build_sink(settings, table(kind, port), opened).deliver(patient.of(patient.findings.prediction()), ())
    assert caught.value.after_s == 37


def test_many_bad_sinks_delay_no_good_one(tmp_path: Path, settings: Settings, patient: Patient) -> None:
    with ExitStack() as stack:
        bad = [table("dicom-cstore", stack.enter_context(peer(behave))) for behave in BEHAVIOURS.values()]
        rows = [row.model_copy(update={"name": f"bad {number}"}) for number, row in enumerate(bad)]
        good = SinkSettings(name="folder", kind="folder", folder=tmp_path / "out")
        deliveries = MemoryDeliveries()
        finding = patient.of(patient.findings.prediction())
        owed = {row.name: deliveries.owe(finding, MADE, row.name) for row in (*rows, good)}
        app = build(settings.model_copy(update={"sinks": (*rows, good)}), deliveries)
        app.start()
        try:
            wait_until(lambda: owed["folder"].state == "delivered", "the good sink")
            wait_until(lambda: all(owed[row.name].outages for row in rows), "a failure of every bad sink")
        finally:
            assert app.stop()
