"""A real Redis, a recording ResultsService over real gRPC, and real worker processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest

from shared.bundles.catalog import installed_catalog
from shared.domain.case import Claim, PinnedInput, Pins
from shared.domain.errors import StaleAttemptError
from shared.domain.identity import PatientIdentity, Side
from shared.domain.prediction import Prediction
from shared.messaging.orders import OrderQueue
from shared.rpc.convert import from_message, to_message
from shared.rpc.gen.oncorelay.results.v1 import results_service_pb2 as results
from shared.rpc.gen.oncorelay.results.v1 import results_service_pb2_grpc as stubs
from shared.rpc.server import start
from shared.testing.ports import free_port
from shared.testing.redis import start_redis

ROOT = Path(__file__).resolve().parents[3]
BUNDLE = "ln_pcr-clinical-published"


def pins(bundle_id: str = BUNDLE) -> Pins:
    reference = installed_catalog().find(BUNDLE).reference
    inputs = tuple(PinnedInput(name, value, ()) for name, value in (("er", "positive"), ("her2", "0"), ("t", "3")))
    return Pins(
        PatientIdentity("hospital", "P1"), "1.2.3", date(2024, 5, 2), Side.LEFT, "clinical", bundle_id,
        reference.digest, inputs, (), (), datetime(2024, 5, 3, tzinfo=UTC),
    )  # fmt: skip


@dataclass
class Case:
    pins: Pins
    state: str = "queued"
    attempts: int = 0


@dataclass
class RecordingResults(stubs.ResultsServiceServicer):
    """The ledger's rules about attempts, in memory; every answer that counts is recorded."""

    lease_s: float = 30.0
    cases: dict[str, Case] = field(default_factory=dict)
    answers: list[tuple[str, int, Any]] = field(default_factory=list)
    claims: list[tuple[str, int]] = field(default_factory=list)
    stale: int = 0
    renewals: int = 0
    reporting: threading.Event = field(default_factory=threading.Event)
    """Set as soon as a worker tries to report."""
    open_door: threading.Event = field(default_factory=threading.Event)
    """Reports wait until this is set."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.open_door.set()

    def add(self, case_id: str, bundle_id: str = BUNDLE) -> None:
        self.cases[case_id] = Case(pins(bundle_id))

    def requeue(self, case_id: str) -> None:
        """What the ledger's reconciler does when a lease has passed."""
        self.cases[case_id].state = "queued"

    def ClaimAttempt(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        with self.lock:
            case = self.cases[request.case_id]
            if case.state != "queued":
                self.stale += 1
                raise StaleAttemptError(request.case_id, case.attempts)
            case.state, case.attempts = "running", case.attempts + 1
            self.claims.append((request.case_id, case.attempts))
            claim = Claim(request.case_id, case.attempts, self.lease_s, "ln_pcr", case.pins)
        return results.ClaimAttemptResponse(claim=to_message(claim, results.Claim))

    def RenewLease(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        self.renewals += 1
        return results.RenewLeaseResponse(lease_seconds=self.lease_s)

    def ReportPrediction(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        self.reporting.set()
        self.open_door.wait(20)
        with self.lock:
            case = self.cases[request.case_id]
            if not context.is_active():
                return results.ReportPredictionResponse()
            if request.request_id not in self.seen:
                if case.state != "running" or case.attempts != request.attempt:
                    raise StaleAttemptError(request.case_id, request.attempt)
                self.seen.add(request.request_id)
                case.state = "answered"
                self.answers.append((request.case_id, request.attempt, _answer(request)))
        return results.ReportPredictionResponse(finding_id="finding")


def _answer(request: Any) -> Any:
    kind = request.WhichOneof("answer")
    return from_message(request.prediction, Prediction) if kind == "prediction" else getattr(request, kind)


@pytest.fixture
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    # One Redis per test: a child that outlives its killed parent by a moment still holds the parent's socket, and
    # Redis would hand the next test's order to it.
    with start_redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
def queue(redis_url: str) -> Iterator[OrderQueue]:
    orders = OrderQueue(redis_url)
    yield orders
    orders.close()


@pytest.fixture
def address() -> str:
    return f"127.0.0.1:{free_port()}"


@pytest.fixture
def start_ledger(address: str) -> Iterator[Callable[..., RecordingResults]]:
    """Return a function that starts the recording service on ``address``, with these cases queued."""
    running: list[tuple[RecordingResults, grpc.Server]] = []

    def begin(*case_ids: str) -> RecordingResults:
        recorded = RecordingResults()  # type: ignore[abstract]  # the other calls stay unimplemented
        for case_id in case_ids:
            recorded.add(case_id)
        server = start(address, lambda server: stubs.add_ResultsServiceServicer_to_server(recorded, server))
        running.append((recorded, server))
        return recorded

    yield begin
    for recorded, server in running:
        recorded.open_door.set()
        server.stop(0).wait()


@pytest.fixture
def ledger(start_ledger: Callable[..., RecordingResults]) -> RecordingResults:
    return start_ledger()


@dataclass
class Worker:
    """One ``python -m services.inference`` in its own process group."""

    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def children(self) -> list[int]:
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(child) for child in found]

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def kill(self) -> None:
        """kill -9 of parent and children at once: a power cut."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Workers:
    """Starts workers and ends every one of them."""

    def __init__(self, folder: Path, redis_url: str, address: str) -> None:
        self.folder, self.redis_url, self.address = folder, redis_url, address
        self.started: list[Worker] = []

    def start(self, **settings: str) -> Worker:
        variables = {"redis_url": self.redis_url, "results_address": self.address, "concurrency": "1", **settings}
        environment = {f"ONCORELAY_INFERENCE__{name.upper()}": value for name, value in variables.items()}
        log_file = self.folder / f"worker-{len(self.started)}.log"
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "services.inference"], cwd=ROOT, start_new_session=True,
                env={**os.environ, **environment}, stdout=log, stderr=log,
            )  # fmt: skip
        self.started.append(Worker(process, log_file))
        return self.started[-1]

    def stop(self) -> None:
        for worker in self.started:
            worker.kill()


@pytest.fixture
def workers(tmp_path: Path, redis_url: str, address: str) -> Iterator[Workers]:
    started = Workers(tmp_path, redis_url, address)
    yield started
    started.stop()
