"""Another DICOM node, spoken to as SCU (pynetdicom): store, find, get, ask for commitment. Every wait is bounded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import build_role, evt
from pynetdicom.association import Association
from pynetdicom.pdu import A_ASSOCIATE_RJ

from services.results.deliver.adapters.answers import dimse_error, rejection
from services.results.deliver.ports import NotOfferedError, NotReachedError
from shared.dicom.scu import CalledNode
from shared.domain.errors import PermanentError, UnavailableError

# PS3.6 table A-1
_FIND = "1.2.840.10008.5.1.4.1.2.2.1"  # study root query/retrieve, FIND
_GET = "1.2.840.10008.5.1.4.1.2.2.3"  # study root query/retrieve, GET
_COMMIT = "1.2.840.10008.1.20.1"  # storage commitment push model
_COMMIT_INSTANCE = "1.2.840.10008.1.20.1.1"
_PENDING = (0xFF00, 0xFF01)
_REQUEST_COMMITMENT = 1  # PS3.4 table J.3-1, action type


@dataclass(frozen=True, slots=True)
class DicomNode:
    """One node; each call is an association of its own, so that nothing is held open between deliveries."""

    host: str
    port: int
    called: str
    calling: str
    timeout_s: float

    def store(self, document: Dataset) -> None:
        """Send the document and return once it was answered with Success, a warning, or "stored already".

        Raises:
            OncoRelayError: Permanent or temporary, by the table in ``answers``.
        """
        with self._association([str(document.SOPClassUID)]) as association:
            answer = association.send_c_store(document)
            error = dimse_error(_status(answer, self.called), f"C-STORE to {self.called}")
        if error:
            raise error

    def read_back(self, document: Dataset) -> tuple[Dataset | None, bool]:
        """Return the stored object whole (True), or what C-FIND says of it (False); None where it is not there.

        Raises:
            PermanentError: If the node offers neither C-FIND nor C-GET.
            UnavailableError: If it does not answer.
        """
        received: list[Dataset] = []
        handlers = [(evt.EVT_C_STORE, _keep, [received])]
        kind = str(document.SOPClassUID)
        roles = [build_role(kind, scp_role=True)]
        with self._association([_FIND, _GET, kind], handlers, roles) as association:
            offered = {str(context.abstract_syntax) for context in association.accepted_contexts}
            if not offered & {_FIND, _GET}:
                raise PermanentError(f"{self.called} offers neither C-FIND nor C-GET: ask it for storage commitment")
            found = self._found(association, document) if _FIND in offered else None
            if _FIND in offered and found is None:
                return None, False
            if {_GET, kind} <= offered:
                # The object arrives at the handler; a node that refuses leaves us with what C-FIND said.
                list(association.send_c_get(_query(document), _GET))
        return (received[0], True) if received else (found, False)

    def holds(self, document: Dataset) -> bool:
        """Tell whether the node has the object with these UIDs; True where it offers no query, so that nothing is left.

        Raises:
            OncoRelayError: If it cannot be asked now.
        """
        try:
            with self._association([_FIND]) as association:
                return self._found(association, document) is not None
        except NotOfferedError:
            return True

    def request_commitment(self, document: Dataset, transaction_uid: str) -> None:
        """Ask for storage commitment (N-ACTION); the report comes on an association of the node's own.

        Raises:
            OncoRelayError: If it refuses, or does not answer.
        """
        request = Dataset()
        request.TransactionUID = transaction_uid
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = document.SOPClassUID, document.SOPInstanceUID
        request.ReferencedSOPSequence = [item]
        with self._association([_COMMIT]) as association:
            answer, _ = association.send_n_action(request, _REQUEST_COMMITMENT, _COMMIT, _COMMIT_INSTANCE)
            error = dimse_error(_status(answer, self.called), f"storage commitment at {self.called}")
        if error:
            raise error

    def _found(self, association: Association, document: Dataset) -> Dataset | None:
        rows = self._statuses(association.send_c_find(_query(document), _FIND))
        matching = [row for row in rows if row.get("SOPInstanceUID") == document.SOPInstanceUID]
        return matching[0] if matching else None

    def _statuses(self, answers: Iterator[tuple[Dataset, Dataset | None]]) -> list[Dataset]:
        """Return the identifiers of pending answers."""
        rows = []
        for status, identifier in answers:
            code = _status(status, self.called)
            if code in _PENDING and identifier is not None:
                rows.append(identifier)
            elif code not in (*_PENDING, 0x0000):
                raise UnavailableError(f"{self.called} answered the query with 0x{code:04X}")
        return rows

    @contextmanager
    def _association(
        self, syntaxes: Sequence[str], handlers: Sequence[Any] = (), roles: Sequence[Any] = ()
    ) -> Iterator[Association]:
        node = CalledNode(self.host, self.port, self.called, self.calling, self.timeout_s)
        asked = node.ask(syntaxes, handlers, roles)
        if not asked.established:
            raise self._why_not(asked.association, asked.rejections)
        try:
            yield asked.association
        finally:
            # release() waits for the answer; a peer that never gives it is cut off after the same time as any other.
            asked.association.release()

    def _why_not(self, association: Association, refused: Sequence[A_ASSOCIATE_RJ]) -> Exception:
        answer = association.acceptor.primitive
        where = f"{self.called} at {self.host}:{self.port}"
        if refused:
            said = refused[0]
            return rejection(said.result or 0, said.source or 0, said.reason_diagnostic or 0, where)
        if answer is not None and answer.result == 0 and not association.accepted_contexts:
            return NotOfferedError(f"{where} accepts none of the services asked for")
        return NotReachedError(f"{where} cannot be reached, or did not answer within {self.timeout_s:g} s")


def _status(answer: Dataset, called: str) -> int:
    if "Status" not in answer:
        raise UnavailableError(f"{called} ended the association, or did not answer in time")
    return int(answer.Status)


def _keep(event: evt.Event, received: list[Dataset]) -> int:
    received.append(event.dataset)
    return 0x0000


def _query(document: Dataset) -> Dataset:
    """Return an instance-level query that also asks for what can be compared (PS3.4 C.6.2)."""
    query = Dataset()
    query.QueryRetrieveLevel = "IMAGE"
    query.StudyInstanceUID, query.SeriesInstanceUID = document.StudyInstanceUID, document.SeriesInstanceUID
    query.SOPInstanceUID, query.SOPClassUID = document.SOPInstanceUID, ""
    query.PatientID, query.ContentDate, query.ContentTime = "", "", ""
    return query
