"""A PACS by STOW-RS (PS3.18 10.5); delivered means found by QIDO-RS and compared by WADO-RS metadata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from io import BytesIO
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from services.results.deliver.adapters.answers import dimse_error, http_error, once_sent
from services.results.deliver.adapters.archive_objects import ArchiveObjects
from services.results.deliver.adapters.web import WebServer
from services.results.deliver.formats.readback import dicom_differences
from services.results.deliver.formats.sr_document import encoded
from services.results.deliver.formats.taking_back import object_uid
from services.results.deliver.ports import Sent
from services.results.ledger.findings import Finding, Predecessor
from shared.domain.errors import PermanentError, TemporaryError

_JSON = "application/dicom+json"
_FAILED_SOP_SEQUENCE = "00081198"
_FAILURE_REASON = "00081197"
_OBJECT = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_ROOM_BYTES = 1 << 20
"""An archive may add attributes of its own."""
_PIXELS = {"7FE00008", "7FE00009", "7FE00010"}
_CONFLICT = 409  # PS3.18 10.5.3.1: nothing was stored; the reasons are in the body


@dataclass(frozen=True, slots=True)
class StowSink:
    """Sends results to one DICOMweb server."""

    name: str
    server: WebServer
    objects: ArchiveObjects

    def object_id(self, finding: Finding) -> str:
        """Return the SOP Instance UID the document has, or will have."""
        return object_uid(finding, self.objects.style, self.objects.withdrawal)

    def deliver(self, finding: Finding, predecessors: Sequence[Predecessor]) -> Sent:
        """Store region and pictures, the SR, and what else takes back; return once all is proven to be there.

        Raises:
            OncoRelayError: Permanent or temporary, by the table in ``answers``.
        """
        rendered = self.objects.of(finding, predecessors, self._holds)
        remark = rendered.bring(self._bring)
        first = rendered.first
        return Sent(str(first.SOPInstanceUID), f"{self.server.base.rstrip('/')}/{_path(first)}{remark}")

    def _bring(self, document: Dataset) -> None:
        self._store(document)
        with once_sent():
            self._find(document)
            self._compare(document)

    def _store(self, document: Dataset) -> None:
        boundary = f"oncorelay-{document.SOPInstanceUID}"
        content = (
            f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
            + encoded(document)
            + f"\r\n--{boundary}--\r\n".encode()
        )
        kind = f'multipart/related; type="application/dicom"; boundary={boundary}'
        headers = {"Content-Type": kind, "Accept": _JSON}
        answer = self.server.call("POST", f"studies/{document.StudyInstanceUID}", headers, content)
        for reason in _failures(answer.json()):
            error = dimse_error(reason, f"STOW-RS to {self.name}")
            if error:
                raise error
        error = http_error(answer.status, f"STOW-RS to {self.name}", after_s=answer.after_s)
        if error and answer.status != _CONFLICT:
            raise error

    def _holds(self, document: Dataset) -> bool:
        series = f"studies/{document.StudyInstanceUID}/series/{document.SeriesInstanceUID}"
        rows = self._json(f"{series}/instances?SOPInstanceUID={document.SOPInstanceUID}")
        return document.SOPInstanceUID in [Dataset.from_json(row).get("SOPInstanceUID") for row in rows]

    def _find(self, document: Dataset) -> None:
        if not self._holds(document):
            raise TemporaryError(f"{self.name} stored the object and does not find it")

    def _compare(self, document: Dataset) -> None:
        stored = self._whole(document) if "Rows" in document else None
        different = dicom_differences(document, stored or self._metadata(document), complete=True)
        if different:
            raise PermanentError(f"{self.name} holds another object under this UID: {', '.join(different)} differ")

    def _metadata(self, document: Dataset) -> Dataset:
        rows = self._json(f"{_path(document)}/metadata")
        if not rows:
            raise TemporaryError(f"{self.name} has no metadata of the object")
        # A server may write pixels out in full; they are compared with the whole object or not at all.
        return Dataset.from_json({tag: row for tag, row in rows[0].items() if tag not in _PIXELS})

    def _whole(self, document: Dataset) -> Dataset | None:
        """Return the stored object with its pixels; None where the server does not hand it out like that."""
        largest = len(encoded(document)) + _ROOM_BYTES
        answer = self.server.call("GET", _path(document), {"Accept": _OBJECT}, largest=largest)
        error = http_error(answer.status, f"DICOMweb of {self.name}", after_s=answer.after_s)
        if isinstance(error, TemporaryError):
            raise error
        return None if error else _first_part(answer.headers.get("Content-Type", ""), answer.content)

    def _json(self, path: str) -> list[dict[str, Any]]:
        answer = self.server.call("GET", path, {"Accept": _JSON})
        error = http_error(answer.status, f"DICOMweb of {self.name}", after_s=answer.after_s)
        if error:
            raise error
        rows = answer.json()
        return rows if isinstance(rows, list) else []


def _first_part(content_type: str, content: bytes) -> Dataset | None:
    """Return the one object of a multipart answer (RFC 2046 5.1); None where it is none."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = str(header.get_param("boundary", "")).encode()
    _, _, part = content.partition(b"\r\n\r\n")
    body, end, _ = part.rpartition(b"\r\n--" + boundary)
    try:
        return dcmread(BytesIO(body)) if boundary and end else None
    except InvalidDicomError:
        return None


def _path(document: Dataset) -> str:
    return (
        f"studies/{document.StudyInstanceUID}/series/{document.SeriesInstanceUID}/instances/{document.SOPInstanceUID}"
    )


def _failures(body: Any) -> list[int]:
    """Return the failure reasons (0008,1197) of a store response."""
    rows = body.get(_FAILED_SOP_SEQUENCE, {}).get("Value", []) if isinstance(body, dict) else []
    reasons = [row.get(_FAILURE_REASON, {}).get("Value", [0x0110]) for row in rows if isinstance(row, dict)]
    return [int(values[0]) for values in reasons if values]
