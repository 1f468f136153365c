"""One association from its first byte to its last, on a thread of its own."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from struct import unpack_from

import structlog

from services.dicom_listener.adapters.door_settings import Behind
from services.dicom_listener.adapters.upper_layer.fragments import MAX_PDU_BYTES, ReleaseRequested
from services.dicom_listener.adapters.upper_layer.messages import Dialogue
from services.dicom_listener.adapters.upper_layer.negotiation import APPLICATION_CONTEXT, Context, acceptance
from services.dicom_listener.adapters.upper_layer.pdus import (
    RELEASE_RP,
    AbortError,
    AbortReason,
    AbortSource,
    ConnectionGoneError,
    Pdu,
    abort,
    rejection,
)
from services.dicom_listener.adapters.upper_layer.request import MAX_REQUEST_BYTES, AssociationRequest, read_request
from services.dicom_listener.adapters.upper_layer.wire import FAREWELL_S, REJECTED_S, SilenceError, Wire
from services.dicom_listener.handlers.admission import REMEDIES
from services.dicom_listener.handlers.intake import Visit
from shared.domain.errors import place
from shared.domain.refusals import ANSWERS, AssociationRejection

log = structlog.get_logger("oncorelay.dicom_listener")

# PS3.8 table 9-21: what the protocol machine itself rejects (AE-6), before any rule of ours is asked.
_NO_SUCH_VERSION = AssociationRejection(1, 2, 2)
_NO_SUCH_APPLICATION = AssociationRejection(1, 1, 2)


@dataclass(frozen=True, slots=True)
class Terms:
    """What every association of a door stands on."""

    behind: Behind
    offered: Mapping[str, tuple[str, ...]]
    """Abstract syntax -> transfer syntaxes, preferred first."""
    max_object_bytes: int
    acse_timeout_s: float
    network_timeout_s: float


class Stage(Enum):
    """How far an association is."""

    WAITING = "waiting"
    """Connected; nothing was asked for yet."""
    OPEN = "open"
    OVER = "over"


@dataclass(slots=True, eq=False)
class Association:
    """Speaks with one peer; ``run`` returns when the connection is closed."""

    terms: Terms
    wire: Wire
    address: str
    number: int
    stage: Stage = Stage.WAITING

    def run(self) -> None:
        """Serve the peer until either side ends it."""
        try:
            self._serve()
        except ConnectionGoneError:
            pass
        except SilenceError:
            # PS3.8 9.2, AA-2: where nobody asked for an association there is nothing to abort.
            if self.stage is not Stage.WAITING:
                self._abort(AbortError("silence", AbortReason.NOT_SPECIFIED))
        except AbortError as error:
            self._abort(error)
        except Exception as error:  # noqa: BLE001 - one association must not end the door
            log.error("association_broke", error=type(error).__name__, place=place(error))  # noqa: TRY400
            self._abort(AbortError("internal", AbortReason.NOT_SPECIFIED))
        finally:
            self.stage = Stage.OVER
            self.wire.close()

    def _serve(self) -> None:
        self.wire.patience(self.terms.acse_timeout_s)
        request = self._request()
        refusal = self._refusal(request)
        if refusal:
            self.wire.send(rejection(refusal))
            self._farewell(REJECTED_S)
            return
        self._converse(request)
        self.wire.send(RELEASE_RP)
        self._farewell()

    def _request(self) -> AssociationRequest:
        """Read the first PDU (PS3.8 Sta2); anything else is answered as action AA-1 says."""
        head = memoryview(bytearray(6))
        self.wire.fill(head)
        kind, length = unpack_from(">BxI", head)
        if kind == Pdu.ABORT:
            raise ConnectionGoneError
        if kind != Pdu.ASSOCIATE_RQ or length > MAX_REQUEST_BYTES:
            raise AbortError("no association request", AbortReason.NOT_SPECIFIED, AbortSource.SERVICE_USER)
        body = bytearray(length)
        self.wire.fill(memoryview(body))
        return read_request(bytes(body))

    def _refusal(self, request: AssociationRequest) -> AssociationRejection | None:
        if not request.protocol_version & 1:
            return _NO_SUCH_VERSION
        if request.application_context != APPLICATION_CONTEXT:
            return _NO_SUCH_APPLICATION
        cause = self.terms.behind.admission.enter(request.calling, request.called, self.address, self.wire.names())
        if cause is None:
            return None
        titles = {"calling": request.calling, "called": request.called}
        remedy = REMEDIES.get(cause, "")
        log.warning("association_rejected", **titles, address=self.address, cause=cause.value, remedy=remedy)
        return ANSWERS[cause].association

    def _converse(self, request: AssociationRequest) -> None:
        """Serve until the peer asks for the end; the place is free, and everybody told, however it ends."""
        released, visit = False, None
        try:
            answer, contexts = acceptance(request, self.terms.offered, MAX_PDU_BYTES)
            visit = self.terms.behind.intake.open(self.number, request.calling)
            self.stage = Stage.OPEN
            self.wire.patience(self.terms.network_timeout_s)
            self.wire.send(answer)
            self._messages(visit, contexts)
        except ReleaseRequested:
            released = True
        finally:
            self.terms.behind.admission.leave(request.calling)
            if visit is not None:
                visit.end(released=released)

    def _messages(self, visit: Visit, contexts: dict[int, Context]) -> None:
        terms = self.terms
        dialogue = Dialogue(
            self.wire, visit, contexts, terms.behind.by_syntax, terms.max_object_bytes, terms.network_timeout_s
        )
        while True:
            dialogue.serve_one()

    def _abort(self, error: AbortError) -> None:
        log.warning("association_aborted", address=self.address, why=error.why, reason=error.reason.name)
        with suppress(SilenceError, ConnectionGoneError):
            self.wire.patience(FAREWELL_S)
            self.wire.send(abort(error.source, error.reason))
            self._farewell()

    def end_now(self) -> None:
        """From another thread, on the way down: abort what is open (as the service user) and wake it."""
        if self.stage is Stage.OPEN:
            with suppress(SilenceError, ConnectionGoneError):
                self.wire.patience(FAREWELL_S)
                self.wire.send(abort(AbortSource.SERVICE_USER, AbortReason.NOT_SPECIFIED))
        self.wire.cut()

    def _farewell(self, longest_s: float = FAREWELL_S) -> None:
        self.stage = Stage.OVER
        self.wire.farewell(longest_s)
