"""DIMSE messages of one association: each request is read, served and answered before the next is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import structlog

from services.dicom_listener.adapters.door_settings import VERIFICATION
from services.dicom_listener.adapters.upper_layer.commands import (
    C_CANCEL,
    C_ECHO,
    C_STORE,
    MAX_COMMAND_BYTES,
    RESPONSE,
    read_command,
    response,
)
from services.dicom_listener.adapters.upper_layer.fragments import Fragment, Fragments, ReleaseRequested
from services.dicom_listener.adapters.upper_layer.negotiation import Context
from services.dicom_listener.adapters.upper_layer.pdus import AbortError, AbortReason, AbortSource, command_pdu
from services.dicom_listener.adapters.upper_layer.wire import Wire
from services.dicom_listener.handlers.intake import Visit, comment_on
from services.dicom_listener.ports.inbox import Announced, Incoming
from services.dicom_listener.ports.services import Command, CommandService, ServiceCall
from shared.domain.errors import OutOfResourcesError, place
from shared.domain.refusals import ANSWERS, Cause

log = structlog.get_logger("oncorelay.dicom_listener")

SUCCESS = 0x0000
UNRECOGNIZED_OPERATION = 0x0211
"""PS3.7 annex C.5.26: this operation is none of this SOP class."""
MAX_SERVICE_BYTES = 8 << 20
"""Longest data set of a plugged-in service; a commitment of 40,000 instances fits."""
_SCRATCH_BYTES = 65536


class Dialogue:
    """Reads requests and answers them; used by the association's thread."""

    def __init__(
        self,
        wire: Wire,
        visit: Visit,
        contexts: Mapping[int, Context],
        services: Mapping[str, CommandService],
        max_object_bytes: int,
        patience_s: float,
    ) -> None:
        self._wire, self._visit, self._contexts, self._services = wire, visit, contexts, services
        self._max_object_bytes = max_object_bytes
        self._fragments = Fragments(wire, patience_s)
        self._scratch = memoryview(bytearray(0))

    def serve_one(self) -> None:
        """Serve the next request.

        Raises:
            ReleaseRequested: If the peer asks for the end instead.
            AbortError, SilenceError, ConnectionGoneError: If the association cannot go on.
        """
        self._fragments.between_messages()
        first = self._fragments.next()
        self._fragments.begin_message()
        try:
            self._serve(first)
        except ReleaseRequested:
            raise AbortError("a release within a message", AbortReason.UNEXPECTED_PDU) from None

    def _serve(self, first: Fragment) -> None:
        context = self._contexts.get(first.context_id)
        if context is None:
            raise AbortError("a context that was not accepted", AbortReason.INVALID_PARAMETER)
        command = read_command(self._command(first))
        if command.field & RESPONSE:
            raise AbortError("a response to nothing", AbortReason.UNEXPECTED_PARAMETER)
        if command.field == C_CANCEL:
            return  # PS3.7 9.3.2.3: has no response, and nothing runs that it could cancel
        status, comment = self._answer(command, context, first.context_id)
        self._wire.send(command_pdu(first.context_id, response(command, status, comment)))

    def _command(self, fragment: Fragment) -> bytes:
        content = bytearray()
        context_id = fragment.context_id
        while True:
            if not fragment.is_command or fragment.context_id != context_id:
                raise AbortError("data where a command belongs", AbortReason.UNEXPECTED_PARAMETER)
            if len(content) + fragment.length > MAX_COMMAND_BYTES:
                raise AbortError("a command is too long", AbortReason.INVALID_PARAMETER)
            part = bytearray(fragment.length)
            self._wire.fill(memoryview(part))
            content += part
            if fragment.is_last:
                return bytes(content)
            fragment = self._fragments.next()

    def _answer(self, command: Command, context: Context, context_id: int) -> tuple[int, str]:
        """Return status and comment."""
        service = self._services.get(context.abstract_syntax)
        if service is not None:
            return self._call(service, command, context, context_id), ""
        if command.field == C_STORE and command.has_data_set and context.abstract_syntax != VERIFICATION:
            cause = self._store(command, context, context_id)
            return (self._visit.refuse(cause), comment_on(cause)) if cause else (SUCCESS, "")
        if command.has_data_set:
            self._drain(context_id)
        is_echo = command.field == C_ECHO and context.abstract_syntax == VERIFICATION
        return (SUCCESS if is_echo else UNRECOGNIZED_OPERATION), ""

    def _store(self, command: Command, context: Context, context_id: int) -> Cause | None:
        """Take the object in; None: it is durable."""
        visit = self._visit
        announced = Announced(
            command.sop_class_uid, command.sop_instance_uid, context.transfer_syntax, visit.sender, visit.association
        )
        if command.sop_class_uid != context.abstract_syntax:
            incoming: Incoming | Cause = Cause.NOT_SUPPORTED
        else:
            incoming = visit.begin(announced)
        if isinstance(incoming, Cause):
            self._drain(context_id)
            return incoming
        try:
            return self._take_in(incoming, announced, context_id)
        except BaseException:
            incoming.discard()
            raise

    def _take_in(self, incoming: Incoming, announced: Announced, context_id: int) -> Cause | None:
        size, taken = 0, True
        for length in self._parts(context_id, self._max_object_bytes):
            size += length
            if taken:
                taken = self._into(incoming, length)
            else:
                self._pass_over(length)
        if taken:
            return self._visit.finish(incoming, announced, size)
        incoming.discard()
        return Cause.OUT_OF_SPACE

    def _into(self, incoming: Incoming, length: int) -> bool:
        """Read a fragment into the inbox; False if the disk refused, the bytes are read all the same."""
        while length:
            try:
                room = incoming.room(length)
            except OutOfResourcesError:
                self._pass_over(length)
                return False
            self._wire.fill(room)
            incoming.filled(len(room))
            length -= len(room)
        return True

    def _parts(self, context_id: int, limit: int) -> Iterator[int]:
        """Yield the length of each fragment of a data set; whoever iterates reads that many bytes each time."""
        size = 0
        while True:
            fragment = self._fragments.next()
            if fragment.is_command or fragment.context_id != context_id:
                raise AbortError("a command where data belongs", AbortReason.UNEXPECTED_PARAMETER)
            size += fragment.length
            if size > limit:
                log.error("object_too_large", sender=self._visit.sender, limit=limit)
                raise AbortError("an object is too large", AbortReason.NOT_SPECIFIED, AbortSource.SERVICE_USER)
            yield fragment.length
            if fragment.is_last:
                return

    def _drain(self, context_id: int) -> None:
        """Read a data set nobody wants: the status can be answered only behind it."""
        for length in self._parts(context_id, self._max_object_bytes):
            self._pass_over(length)

    def _pass_over(self, length: int) -> None:
        if not self._scratch:
            self._scratch = memoryview(bytearray(_SCRATCH_BYTES))
        while length:
            length -= self._wire.some(self._scratch[: min(length, _SCRATCH_BYTES)])

    def _call(self, service: CommandService, command: Command, context: Context, context_id: int) -> int:
        content = bytearray()
        for length in self._parts(context_id, MAX_SERVICE_BYTES) if command.has_data_set else ():
            part = bytearray(length)
            self._wire.fill(memoryview(part))
            content += part
        visit = self._visit
        try:
            return service.handle(
                ServiceCall(
                    command, context.abstract_syntax, context.transfer_syntax, visit.sender, visit.association,
                    bytes(content),
                )
            )  # fmt: skip
        except Exception as error:  # noqa: BLE001 - the text may quote the request
            log.error("service_failed", error=type(error).__name__, place=place(error))  # noqa: TRY400
            return ANSWERS[Cause.INTERNAL].c_store
