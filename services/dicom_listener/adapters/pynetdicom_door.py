"""The reference door, on pynetdicom's public interface alone: slower, widely used, judged by the same contract suite.

pynetdicom writes each object to a temporary file while it comes in (``STORE_RECV_CHUNKED_DATASET``), so memory does
not grow with it; that switch and the folder of temporary files (``tempfile.tempdir``) are settings of the whole
process, made in ``start`` and taken back in ``stop``. The object then goes into the inbox as from any other door.

pynetdicom decides over titles and the number of associations by itself. What else admission refuses (address, rate,
disk) it cannot reject: those associations are aborted as soon as they are accepted.
"""

from __future__ import annotations

import itertools
import secrets
import ssl
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import structlog
from pydicom.dataset import Dataset
from pynetdicom import AE, _config, evt

from services.dicom_listener.adapters.door_settings import Behind, DoorSettings, offered
from services.dicom_listener.adapters.tls import certificate_names
from services.dicom_listener.handlers.intake import Visit, comment_on
from services.dicom_listener.ports.inbox import Announced, Incoming
from services.dicom_listener.ports.services import Command, ServiceCall
from shared.dicom.part10 import data_set_start
from shared.domain.errors import OutOfResourcesError, place
from shared.domain.refusals import ANSWERS, Cause
from shared.observability import metrics

log = structlog.get_logger("oncorelay.dicom_listener")

# 128 KiB: the largest that DCMTK sends (ASC_MAXIMUMPDUSIZE); fewer, larger PDUs cost less per object.
_MAX_PDU_BYTES = 131072
_META_BYTES = 65536
"""Preamble and file meta information, which pynetdicom writes, are far shorter."""


class PynetdicomDoor:
    """Implements ``ports.receiving.Door``."""

    def __init__(self, settings: DoorSettings, behind: Behind) -> None:
        self._settings, self._behind = settings, behind
        self._numbers = itertools.count(1)
        self._open: dict[Any, _Open] = {}
        self._lock = Lock()
        self._servers: list[Any] = []
        self._restore: Callable[[], None] = lambda: None
        self._plain = self._tls = 0

    @property
    def port(self) -> int:
        """Port it listens on without TLS, or 0."""
        return self._plain

    @property
    def tls_port(self) -> int:
        """Port it listens on with TLS, or 0."""
        return self._tls

    def start(self) -> None:
        """Begin to listen."""
        self._settings.spool_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._clear_spool()
        self._restore = _configure_pynetdicom(str(self._settings.spool_folder))
        entity = _entity(self._settings, self._behind)
        settings = self._settings
        try:
            if settings.port is not None:
                self._plain = self._listen(entity, settings.port, "dicom_listener.port")
            if settings.tls is not None:
                self._tls = self._listen(entity, settings.tls_port, "dicom_listener.tls_port", ssl_context=settings.tls)
        except OSError:
            self.stop()
            raise

    def _listen(self, entity: AE, port: int, setting: str, **options: Any) -> int:
        # Ends are reported by the association's own thread, after the object it may still be working on. (A closed
        # connection is reported by another thread; pynetdicom turns it into an abort.)
        handlers: list[Any] = [
            (evt.EVT_ACCEPTED, self._accepted),
            (evt.EVT_REJECTED, self._rejected),
            (evt.EVT_PDU_RECV, self._pdu),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_N_ACTION, self._action),
            (evt.EVT_RELEASED, self._released),
            (evt.EVT_ABORTED, self._aborted),
        ]
        address = (self._settings.host, port)
        try:
            server: Any = entity.start_server(address, block=False, evt_handlers=handlers, **options)
        except OSError as error:
            where = f"{address[0]}:{address[1]}"
            raise OSError(f"cannot listen on {where} ({error.strerror}): change {setting} in site.toml") from error
        self._servers.append(server)
        return int(server.server_address[1])

    def check(self) -> str:
        """Return "" while every port is accepted from, else what is wrong."""
        if self._servers and all(server.fileno() >= 0 for server in self._servers):
            return ""
        return "the C-STORE door accepts no connections any more; restart the listener"

    def stop(self) -> None:
        """Close the port, wait for open associations, abort the rest."""
        for server in self._servers:
            server.shutdown()
        deadline = time.monotonic() + self._settings.stop_grace_s
        while self._established() and time.monotonic() < deadline:
            time.sleep(0.02)
        for association in self._established():
            association.abort()
        self._servers = []
        self._restore()

    def _clear_spool(self) -> None:
        """Remove what a crash, or an association that was cut, left half-written; nothing may be on its way in."""
        for path in self._settings.spool_folder.iterdir():
            path.unlink(missing_ok=True)

    def _established(self) -> list[Any]:
        """Return the associations that are in use; a connection that never asked for one is not waited for."""
        return [one for server in self._servers for one in server.active_associations if one.is_established]

    def _accepted(self, event: Any) -> None:
        requestor = event.assoc.requestor
        calling, called = requestor.ae_title, requestor.primitive.called_ae_title
        cause = self._behind.admission.enter(calling, called, requestor.address, _names(event.assoc))
        if cause:
            self._refused(requestor, cause.value)
            event.assoc.abort(block=False)
            return
        with self._lock:
            self._open[event.assoc] = _Open(self._behind.intake.open(next(self._numbers), calling))
            dead = [association for association in self._open if not association.is_alive()]
        for association in dead:
            self._ended(association, released=False)

    def _rejected(self, event: Any) -> None:
        cause = self._cause(event.assoc.requestor.primitive)
        metrics.ASSOCIATIONS_REFUSED.add(cause=cause)
        self._refused(event.assoc.requestor, cause.value)

    @staticmethod
    def _refused(requestor: Any, cause: str) -> None:
        primitive = requestor.primitive
        names = {"calling": primitive.calling_ae_title, "called": primitive.called_ae_title}
        log.warning("association_rejected", **names, address=requestor.address, cause=cause)

    def _cause(self, primitive: Any) -> Cause:
        """Return why pynetdicom rejected, which it does not tell: titles first, then the number of associations."""
        if str(primitive.called_ae_title).strip() != self._settings.ae_title.strip():
            return Cause.CALLED_UNKNOWN
        known = str(primitive.calling_ae_title).strip() in self._settings.calling_ae_titles
        return Cause.OVERLOADED if known else Cause.CALLER_UNKNOWN

    def _released(self, event: Any) -> None:
        self._ended(event.assoc, released=True)

    def _aborted(self, event: Any) -> None:
        self._ended(event.assoc, released=False)

    def _ended(self, association: Any, *, released: bool) -> None:
        with self._lock:
            opened = self._open.pop(association, None)
            if not self._open:
                self._clear_spool()
        if opened:
            self._behind.admission.leave(opened.visit.sender)
            opened.visit.end(released=released)

    def _pdu(self, event: Any) -> None:
        """Count the bytes of the message that is coming in; abort where it grows beyond the limit."""
        values = getattr(event.pdu, "presentation_data_value_items", None)
        opened = self._open.get(event.assoc)
        if values is None or opened is None:
            return
        opened.bytes += sum(len(value.presentation_data_value or b"") for value in values)
        if opened.bytes > self._settings.max_object_bytes:
            log.error("object_too_large", sender=opened.visit.sender, limit=self._settings.max_object_bytes)
            event.assoc.abort(block=False)

    def _store(self, event: Any) -> Dataset:
        opened = self._open.get(event.assoc)
        if opened is None:  # aborted by us while the object was complete already: nobody awaits an answer
            return _status(ANSWERS[Cause.INTERNAL].c_store)
        opened.bytes = 0
        try:
            cause = _take_in(event, opened.visit)
        except Exception as error:  # noqa: BLE001 - the text may quote the object, so only type and place are logged
            log.error("store_failed", sender=opened.visit.sender, error=type(error).__name__, place=place(error))  # noqa: TRY400
            cause = Cause.INTERNAL
        return _status(opened.visit.refuse(cause), comment_on(cause)) if cause else _status(0)

    def _action(self, event: Any) -> tuple[Dataset, None]:
        """Hand a storage commitment request, say, to its service."""
        opened = self._open.get(event.assoc)
        service = self._behind.by_syntax.get(str(event.context.abstract_syntax))
        if opened is None or service is None:
            return _status(ANSWERS[Cause.INTERNAL].c_store), None
        opened.bytes = 0
        return _status(service.handle(_call(event, opened.visit))), None


def _names(association: Any) -> frozenset[str]:
    """Return the names in the peer's certificate."""
    connection = association.dul.socket.socket
    return certificate_names(connection) if isinstance(connection, ssl.SSLSocket) else frozenset()


@dataclass(slots=True)
class _Open:
    visit: Visit
    bytes: int = 0


def _take_in(event: Any, visit: Visit) -> Cause | None:
    """Move the spooled object into the inbox; None: it is durable."""
    announced = Announced(
        str(event.request.AffectedSOPClassUID),
        str(event.request.AffectedSOPInstanceUID),
        str(event.context.transfer_syntax),
        visit.sender,
        visit.association,
    )
    if announced.sop_class_uid != event.context.abstract_syntax:
        return Cause.NOT_SUPPORTED
    incoming = visit.begin(announced)
    if isinstance(incoming, Cause):
        return incoming
    try:
        size = _copy(event.dataset_path, incoming)
    except OutOfResourcesError:
        incoming.discard()
        return Cause.OUT_OF_SPACE
    return visit.finish(incoming, announced, size)


def _copy(spooled: Path, incoming: Incoming) -> int:
    """Copy the data set behind preamble and file meta information; return its size."""
    with spooled.open("rb", buffering=0) as stream:
        start = data_set_start(memoryview(stream.read(_META_BYTES)))
        stream.seek(start)
        while count := stream.readinto(incoming.room(_META_BYTES)):
            incoming.filled(count)
        return stream.tell() - start


def _call(event: Any, visit: Visit) -> ServiceCall:
    request = event.request
    command = Command(
        field=0x0130,
        message_id=int(request.MessageID),
        has_data_set=request.ActionInformation is not None,
        sop_class_uid=str(request.RequestedSOPClassUID),
        sop_instance_uid=str(request.RequestedSOPInstanceUID),
        number=int(request.ActionTypeID),
    )
    content = request.ActionInformation.getvalue() if command.has_data_set else b""
    context = event.context
    return ServiceCall(
        command, str(context.abstract_syntax), str(context.transfer_syntax), visit.sender, visit.association, content
    )


def _entity(settings: DoorSettings, behind: Behind) -> AE:
    entity = AE(settings.ae_title)
    entity.require_called_aet = True
    # pynetdicom reads an empty list as "everybody"; nobody can know this title.
    entity.require_calling_aet = list(settings.calling_ae_titles) or [secrets.token_hex(8)]
    entity.maximum_associations = settings.max_associations
    entity.maximum_pdu_size = _MAX_PDU_BYTES
    entity.acse_timeout = settings.acse_timeout_s
    entity.dimse_timeout = entity.network_timeout = settings.network_timeout_s
    for abstract_syntax, transfer_syntaxes in offered(settings, behind).items():
        entity.add_supported_context(abstract_syntax, list(transfer_syntaxes))
    return entity


def _status(status: int, comment: str = "") -> Dataset:
    answer = Dataset()
    answer.Status = status
    if comment:
        answer.ErrorComment = comment
    return answer


def _configure_pynetdicom(spool: str) -> Callable[[], None]:
    """Let pynetdicom spool into a folder and keep log fields on its threads; return what undoes it."""
    before = _process_settings()
    _config.STORE_RECV_CHUNKED_DATASET = True
    _config.LOG_HANDLER_LEVEL = "none"  # the standard handlers render every message for a log nobody reads
    _config.PASS_CONTEXTVARS = True
    tempfile.tempdir = spool

    def restore() -> None:
        (
            _config.STORE_RECV_CHUNKED_DATASET,
            _config.LOG_HANDLER_LEVEL,
            _config.PASS_CONTEXTVARS,
            tempfile.tempdir,
        ) = before

    return restore


def _process_settings() -> tuple[bool, str, bool, str | None]:
    return (
        _config.STORE_RECV_CHUNKED_DATASET,
        _config.LOG_HANDLER_LEVEL,
        _config.PASS_CONTEXTVARS,
        tempfile.tempdir,
    )
