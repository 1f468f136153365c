"""Our door for reports of storage commitment (PS3.4 J): they come on a new association, when the archive likes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import AE, evt

from services.results.deliver.adapters.answers import dimse_error
from shared.domain.errors import PermanentError, TemporaryError

_PUSH_MODEL = "1.2.840.10008.1.20.1"  # PS3.6 table A-1, storage commitment push model
_VERIFICATION = "1.2.840.10008.1.1"
_SUCCESS = 0x0000
_NOT_THERE_YET = 0x0112  # PS3.3 C.14.1.1: no such object instance; it was stored a moment ago


class CommitmentReports:
    """An SCP that takes N-EVENT-REPORT and wakes whoever waits for that transaction."""

    def __init__(self, ae_title: str, archive: str, port: int, timeout_s: float) -> None:
        """Listen as ``ae_title``; only the AE title ``archive`` is let in."""
        self._timeout_s = timeout_s
        self._condition = threading.Condition()
        self._reports: dict[str, tuple[int, Dataset]] = {}
        self._expected: set[str] = set()
        entity = AE(ae_title=ae_title)
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = timeout_s
        entity.require_called_aet = True
        entity.require_calling_aet = [archive]
        entity.add_supported_context(_PUSH_MODEL, scu_role=False, scp_role=True)
        entity.add_supported_context(_VERIFICATION)
        handlers: list[Any] = [(evt.EVT_N_EVENT_REPORT, self._receive), (evt.EVT_C_ECHO, _echo)]
        self._server = entity.start_server(("", port), block=False, evt_handlers=handlers)

    @contextmanager
    def expecting(self, transaction_uid: str) -> Iterator[None]:
        """Take the report of a transaction inside the block: it may come before the request is answered."""
        with self._condition:
            self._expected.add(transaction_uid)
        try:
            yield
        finally:
            with self._condition:
                self._expected.discard(transaction_uid)
                self._reports.pop(transaction_uid, None)

    def wait(self, transaction_uid: str, sop_instance_uid: str) -> None:
        """Return once the archive has committed to the instance.

        Raises:
            TemporaryError: If no report comes in time, or it does not have the instance yet.
            PermanentError: If it says that it will not keep the instance.
        """
        with self._condition:
            self._condition.wait_for(lambda: transaction_uid in self._reports, self._timeout_s)
            report = self._reports.get(transaction_uid)
        if report is None:
            raise TemporaryError(f"no storage commitment report within {self._timeout_s:g} s")
        _judge(*report, sop_instance_uid)

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()

    def __enter__(self) -> CommitmentReports:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _receive(self, event: evt.Event) -> tuple[int, None]:
        report = event.event_information
        with self._condition:
            # Reports nobody asked for are answered and forgotten, so that a stranger cannot fill our memory.
            if report.TransactionUID in self._expected:
                self._reports[report.TransactionUID] = (event.event_type or 0, report)
                self._condition.notify_all()
        return _SUCCESS, None


def _judge(event_type: int, report: Dataset, sop_instance_uid: str) -> None:
    failed = {row.ReferencedSOPInstanceUID: int(row.FailureReason) for row in report.get("FailedSOPSequence") or []}
    committed = {row.ReferencedSOPInstanceUID for row in report.get("ReferencedSOPSequence") or []}
    if sop_instance_uid in committed and sop_instance_uid not in failed:
        return
    if sop_instance_uid not in failed:
        raise PermanentError(f"the storage commitment report (event {event_type}) does not name the instance")
    reason = failed[sop_instance_uid]
    if reason == _NOT_THERE_YET:
        raise TemporaryError("storage commitment: the archive does not have the instance (0x0112)")
    raise dimse_error(reason, "storage commitment") or TemporaryError("storage commitment failed without a reason")


def _echo(event: evt.Event) -> int:  # noqa: ARG001  (pynetdicom passes it)
    return _SUCCESS
