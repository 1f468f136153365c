"""A ResultsService that keeps what it is told: a real gRPC server for tests of the services that call results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Condition
from typing import Any

import grpc
from google.protobuf import descriptor_pool, message_factory

import shared.rpc.clients  # noqa: F401 - registers the messages of the contract
from shared.domain.errors import OncoRelayError
from shared.domain.study import Study
from shared.rpc.convert import from_message
from shared.rpc.server import start

_SERVICE = "oncorelay.results.v1.ResultsService"


@dataclass(frozen=True, slots=True)
class ToldNotice:
    """A notice as it came."""

    request_id: str
    kind: str
    text: str


@dataclass(slots=True)
class ResultsRecorder:
    """Call ``start``; then wait for submissions and notices; a repeated request id is recorded again."""

    studies: list[tuple[str, Study]] = field(default_factory=list)
    notices: list[ToldNotice] = field(default_factory=list)
    refuse_with: OncoRelayError | None = None
    """Raised instead of an answer while it is set."""
    _changed: Condition = field(default_factory=Condition)
    _server: grpc.Server | None = None

    def start(self, address: str) -> None:
        """Serve on ``address``."""
        self._server = start(address, self._register)

    def stop(self) -> None:
        """Stop serving."""
        if self._server:
            self._server.stop(grace=None).wait()
            self._server = None

    def forget(self) -> None:
        """Forget everything told so far."""
        with self._changed:
            self.studies.clear()
            self.notices.clear()

    def wait_for_studies(self, count: int, timeout_s: float = 20.0) -> list[Study]:
        """Return the studies once there are ``count`` submissions.

        Raises:
            TimeoutError: If they do not come.
        """
        self._wait(lambda: len(self.studies) >= count, f"{count} studies, {len(self.studies)} came", timeout_s)
        return [study for _, study in self.studies]

    def wait_for_notices(self, count: int, timeout_s: float = 20.0) -> list[ToldNotice]:
        """Return the notices once there are ``count``; raises as above."""
        self._wait(lambda: len(self.notices) >= count, f"{count} notices, {len(self.notices)} came", timeout_s)
        return list(self.notices)

    def _wait(self, holds: Callable[[], bool], what: str, timeout_s: float) -> None:
        with self._changed:
            if not self._changed.wait_for(holds, timeout_s):
                raise TimeoutError(f"waited for {what}")

    def _register(self, server: grpc.Server) -> None:
        handlers = {
            "SubmitCase": _unary("SubmitCaseRequest", self._submit_case),
            "ReportNotice": _unary("ReportNoticeRequest", self._report_notice),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, handlers),))

    def _submit_case(self, request: Any, _context: Any) -> Any:
        self._note(self.studies, (request.request_id, from_message(request.study, Study)))
        return _message("SubmitCaseResponse")(case_ids=[f"case-{len(self.studies)}"])

    def _report_notice(self, request: Any, _context: Any) -> Any:
        self._note(self.notices, ToldNotice(request.request_id, request.kind, request.text))
        return _message("ReportNoticeResponse")(notice_id=str(len(self.notices)))

    def _note(self, where: list[Any], what: object) -> None:
        with self._changed:
            if self.refuse_with:
                raise self.refuse_with
            where.append(what)
            self._changed.notify_all()


def _message(name: str) -> Any:
    """Return a message class by name, because only adapters may import the generated stubs."""
    descriptor = descriptor_pool.Default().FindMessageTypeByName(f"oncorelay.results.v1.{name}")
    return message_factory.GetMessageClass(descriptor)


def _unary(request: str, behavior: Callable[[Any, Any], Any]) -> Any:
    return grpc.unary_unary_rpc_method_handler(
        behavior,
        request_deserializer=_message(request).FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )
