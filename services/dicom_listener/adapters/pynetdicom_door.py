"""The C-STORE and C-ECHO server on pynetdicom's public interface.

pynetdicom writes each object to a temporary file while it comes in (``STORE_RECV_CHUNKED_DATASET``), so memory does
not grow with it; that switch and the folder of temporary files (``tempfile.tempdir``) are settings of the whole
process, made in ``start`` and taken back in ``stop``.
"""

from __future__ import annotations

import itertools
import secrets
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

import structlog
from pydicom.dataset import Dataset
from pynetdicom import AE, AllStoragePresentationContexts, _config, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from services.dicom_listener.adapters.object_files import DicomFiles
from services.dicom_listener.ports.receiving import PROCESSING_FAILURE, Answer, Received, Reception
from shared.domain.refusals import Cause
from shared.observability import metrics

log = structlog.get_logger("oncorelay.dicom_listener")

# 128 KiB: the largest that DCMTK sends (ASC_MAXIMUMPDUSIZE); fewer, larger PDUs cost less per object.
_MAX_PDU_BYTES = 131072


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """What the door needs to know, see ``config.Settings``."""

    host: str
    port: int
    ae_title: str
    calling_ae_titles: tuple[str, ...]
    transfer_syntaxes: tuple[str, ...]
    max_associations: int
    max_object_bytes: int
    acse_timeout_s: float
    network_timeout_s: float
    stop_grace_s: float


class PynetdicomDoor:
    """Implements ``ports.receiving.Door``."""

    def __init__(self, settings: DoorSettings, reception: Reception, files: DicomFiles) -> None:
        self._settings = settings
        self._reception = reception
        self._files = files
        self._numbers = itertools.count(1)
        self._open: dict[Any, _Open] = {}
        self._lock = Lock()
        self._entity: AE | None = None
        self._server: Any = None
        self._restore: Callable[[], None] = lambda: None

    @property
    def port(self) -> int:
        """Port it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to listen."""
        self._restore = _configure_pynetdicom(str(self._files.spool))
        self._entity = _entity(self._settings)
        address = (self._settings.host, self._settings.port)
        # Ends are reported by the association's own thread, after the object it may still be working on. (A closed
        # connection is reported by another thread; pynetdicom turns it into an abort.)
        handlers: list[Any] = [
            (evt.EVT_ACCEPTED, self._accepted),
            (evt.EVT_REJECTED, self._rejected),
            (evt.EVT_PDU_RECV, self._pdu),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_RELEASED, self._released),
            (evt.EVT_ABORTED, self._aborted),
        ]
        try:
            self._server = self._entity.start_server(address, block=False, evt_handlers=handlers)
        except OSError as error:
            self._restore()
            raise OSError(f"cannot listen on {address[0]}:{address[1]}: is another program using it?") from error

    def stop(self) -> None:
        """Close the port, wait for open associations, abort the rest."""
        if self._server is None or self._entity is None:
            return
        self._server.shutdown()
        deadline = time.monotonic() + self._settings.stop_grace_s
        while self._established() and time.monotonic() < deadline:
            time.sleep(0.02)
        for association in self._established():
            association.abort()
        self._server = None
        self._restore()

    def _established(self) -> list[Any]:
        """Return the associations that are in use; a connection that never asked for one is not waited for."""
        return [association for association in self._server.active_associations if association.is_established]

    def _accepted(self, event: Any) -> None:
        opened = _Open(next(self._numbers), event.assoc.requestor.ae_title)
        with self._lock:
            self._open[event.assoc] = opened
            dead = [association for association in self._open if not association.is_alive()]
        self._reception.opened(opened.number, opened.sender)
        for association in dead:
            self._ended(association, released=False)

    def _rejected(self, event: Any) -> None:
        primitive = event.assoc.requestor.primitive
        metrics.ASSOCIATIONS_REFUSED.add(cause=self._cause(primitive))
        log.warning(
            "association_rejected",
            calling=primitive.calling_ae_title,
            called=primitive.called_ae_title,
            address=event.assoc.requestor.address,
        )

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
                self._files.clear_spool()
        if opened:
            self._reception.ended(opened.number, released=released)

    def _pdu(self, event: Any) -> None:
        """Count the bytes of the message that is coming in; abort where it grows beyond the limit."""
        values = getattr(event.pdu, "presentation_data_value_items", None)
        opened = self._open.get(event.assoc)
        if values is None or opened is None:
            return
        opened.bytes += sum(len(value.presentation_data_value or b"") for value in values)
        if opened.bytes > self._settings.max_object_bytes:
            log.error("object_too_large", sender=opened.sender, limit=self._settings.max_object_bytes)
            event.assoc.abort(block=False)

    def _store(self, event: Any) -> Dataset:
        opened = self._open.get(event.assoc)
        if opened is None:  # aborted by us while the object was complete already: nobody awaits an answer
            return _status(Answer(PROCESSING_FAILURE, "the association was aborted"))
        opened.bytes = 0
        return _status(self._answer(event, opened))

    def _answer(self, event: Any, opened: _Open) -> Answer:
        received = Received(
            spooled=event.dataset_path,
            transfer_syntax=str(event.context.transfer_syntax),
            sop_class_uid=str(event.request.AffectedSOPClassUID),
            sop_instance_uid=str(event.request.AffectedSOPInstanceUID),
            association=opened.number,
            sender=opened.sender,
        )
        try:
            return self._reception.received(received)
        except Exception as error:  # noqa: BLE001 - the text may quote the object, so only its type is logged
            log.error("store_failed", sender=opened.sender, error=type(error).__name__)  # noqa: TRY400
            return Answer(PROCESSING_FAILURE, "internal error; see the listener's log")


@dataclass(slots=True)
class _Open:
    number: int
    sender: str
    bytes: int = 0


def _entity(settings: DoorSettings) -> AE:
    entity = AE(settings.ae_title)
    entity.require_called_aet = True
    # pynetdicom reads an empty list as "everybody"; nobody can know this title.
    entity.require_calling_aet = list(settings.calling_ae_titles) or [secrets.token_hex(8)]
    entity.maximum_associations = settings.max_associations
    entity.maximum_pdu_size = _MAX_PDU_BYTES
    entity.acse_timeout = settings.acse_timeout_s
    entity.dimse_timeout = entity.network_timeout = settings.network_timeout_s
    entity.add_supported_context(Verification)
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(str(context.abstract_syntax), list(settings.transfer_syntaxes))
    return entity


def _status(answer: Answer) -> Dataset:
    status = Dataset()
    status.Status = answer.status
    if answer.comment:
        status.ErrorComment = answer.comment[:64]
    return status


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
