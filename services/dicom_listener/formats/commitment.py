"""Storage commitment on the wire: the action information we get, the event information we send (PS3.4 J.3)."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataset import Dataset

from services.dicom_listener.ports.commitment import CommitmentReport, Reference
from shared.dicom.elements import ITEM, walk
from shared.dicom.header import text_of
from shared.domain.errors import InvalidInputError
from shared.domain.refusals import ANSWERS

PUSH_MODEL = "1.2.840.10008.1.20.1"  # PS3.6 table A-1, Storage Commitment Push Model SOP Class
PUSH_MODEL_INSTANCE = "1.2.840.10008.1.20.1.1"  # its well-known SOP Instance
REQUEST_ACTION = 1  # PS3.4 table J.3-1
_ALL_COMMITTED, _SOME_FAILED = 1, 2  # PS3.4 table J.3-2, Event Type ID
_TRANSACTION, _REFERENCES = 0x00081195, 0x00081199
_CLASS, _INSTANCE = 0x00081150, 0x00081155
_MAX_UID_BYTES = 64


def read_request(data_set: bytes, *, implicit: bool) -> tuple[str, tuple[Reference, ...]]:
    """Return Transaction UID and instances; what is missing is empty.

    Raises:
        InvalidInputError: If the bytes are not a data set.
    """
    transaction, found = "", list[dict[int, str]]()
    view = memoryview(data_set)
    for element in walk(view, start=0, implicit=implicit):
        if element.depth == 0 and element.tag == _TRANSACTION:
            transaction = _uid(view, element.start, element.length)
        elif element.parent == _REFERENCES and element.depth == 1 and element.tag == ITEM:
            found.append({})
        elif element.parent == _REFERENCES and element.tag in (_CLASS, _INSTANCE) and found:
            found[-1][element.tag] = _uid(view, element.start, element.length)
    return transaction, tuple(Reference(row.get(_CLASS, ""), row.get(_INSTANCE, "")) for row in found)


def event_type(report: CommitmentReport) -> int:
    """Return the Event Type ID: everything is committed, or something is not."""
    return _SOME_FAILED if report.failed else _ALL_COMMITTED


def event_information(report: CommitmentReport) -> Dataset:
    """Return the data set of the N-EVENT-REPORT (PS3.4 table J.3-2)."""
    information = Dataset()
    information.TransactionUID = report.transaction_uid
    if report.committed:
        information.ReferencedSOPSequence = [_item(reference) for reference in report.committed]
    failed = [_item(reference) for reference, _ in report.failed]
    for item, (_, cause) in zip(failed, report.failed, strict=True):
        item.FailureReason = ANSWERS[cause].c_store
    if failed:
        information.FailedSOPSequence = failed
    return information


def encoded_request(transaction_uid: str, references: Sequence[Reference]) -> Dataset:
    """Return the action information of a request, as a requestor sends it."""
    information = Dataset()
    information.TransactionUID = transaction_uid
    information.ReferencedSOPSequence = [_item(reference) for reference in references]
    return information


def _item(reference: Reference) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = reference.sop_class_uid
    item.ReferencedSOPInstanceUID = reference.sop_instance_uid
    return item


def _uid(view: memoryview, start: int, length: int) -> str:
    if length > _MAX_UID_BYTES:
        raise InvalidInputError("UID", f"longer than {_MAX_UID_BYTES} bytes")
    return text_of(bytes(view[start : start + length]))
