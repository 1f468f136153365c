"""The N-ACTION side of storage commitment, as a service any DIMSE door can plug in."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from services.dicom_listener.formats.commitment import PUSH_MODEL, PUSH_MODEL_INSTANCE, REQUEST_ACTION, read_request
from services.dicom_listener.handlers.commitment import RequestCommitment
from services.dicom_listener.ports.services import ServiceCall
from shared.dicom.transfer_syntaxes import is_implicit
from shared.domain.errors import InvalidInputError
from shared.domain.refusals import Cause, n_action_status

log = structlog.get_logger("oncorelay.dicom_listener")

SUCCESS = 0x0000
_N_ACTION = 0x0130  # PS3.7 E.1, Command Field of N-ACTION-RQ


@dataclass(frozen=True, slots=True)
class CommitmentService:
    """Implements ``ports.services.CommandService``."""

    request: RequestCommitment

    @property
    def abstract_syntaxes(self) -> tuple[str, ...]:
        """The Push Model; the Pull Model is retired (PS3.4 J)."""
        return (PUSH_MODEL,)

    def handle(self, call: ServiceCall) -> int:
        """Return 0x0000 once the request is on disk; the report follows on an association of ours."""
        cause = self._refusal(call)
        if cause:
            log.warning("commitment_refused", requestor=call.sender, cause=cause.value)
        return n_action_status(cause) if cause else SUCCESS

    def _refusal(self, call: ServiceCall) -> Cause | None:
        if call.command.field != _N_ACTION or call.command.number != REQUEST_ACTION:
            return Cause.NOT_SUPPORTED
        if call.command.sop_instance_uid != PUSH_MODEL_INSTANCE:
            return Cause.NO_SUCH_OBJECT
        try:
            transaction, references = read_request(call.data_set, implicit=is_implicit(call.transfer_syntax))
        except InvalidInputError:
            return Cause.UNREADABLE
        return self.request(call.sender, transaction, references)
