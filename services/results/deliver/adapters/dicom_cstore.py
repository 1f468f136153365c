"""A PACS by C-STORE; delivered means read back by C-FIND or C-GET, and committed where the site asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset

from services.results.deliver.adapters.answers import once_sent
from services.results.deliver.adapters.archive_objects import ArchiveObjects
from services.results.deliver.adapters.dicom_node import DicomNode
from services.results.deliver.adapters.storage_commitment import CommitmentReports
from services.results.deliver.formats.readback import dicom_differences
from services.results.deliver.formats.taking_back import object_uid
from services.results.deliver.ports import Sent
from services.results.ledger.findings import Finding, Predecessor
from shared.domain.errors import PermanentError, TemporaryError


@dataclass(frozen=True, slots=True)
class CStoreSink:
    """Sends results to one PACS."""

    name: str
    node: DicomNode
    objects: ArchiveObjects
    new_uid: Callable[[], str]
    reports: CommitmentReports | None = None
    """Borrowed; None where the site does not ask for storage commitment."""

    def object_id(self, finding: Finding) -> str:
        """Return the SOP Instance UID the document has, or will have."""
        return object_uid(finding, self.objects.style, self.objects.withdrawal)

    def deliver(self, finding: Finding, predecessors: Sequence[Predecessor]) -> Sent:
        """Store region and pictures, the SR, and what else takes back; return once all is proven to be there.

        Raises:
            OncoRelayError: Permanent or temporary, by the table in ``answers``.
        """
        rendered = self.objects.of(finding, predecessors, self.node.holds)
        remark = rendered.bring(self._bring)
        return Sent(str(rendered.first.SOPInstanceUID), f"{self._location(rendered.first)}{remark}")

    def _bring(self, document: Dataset) -> None:
        self.node.store(document)
        with once_sent():
            self._commit(document)
            self._compare(document)

    def _commit(self, document: Dataset) -> None:
        if self.reports is None:
            return
        transaction = self.new_uid()
        with self.reports.expecting(transaction):
            self.node.request_commitment(document, transaction)
            self.reports.wait(transaction, str(document.SOPInstanceUID))

    def _compare(self, document: Dataset) -> None:
        stored, complete = self.node.read_back(document)
        if stored is None:
            raise TemporaryError(f"{self.node.called} answered Success and does not find the object")
        different = dicom_differences(document, stored, complete=complete)
        if different:
            raise PermanentError(
                f"{self.node.called} holds another object under this UID: {', '.join(different)} differ"
            )

    def _location(self, document: Dataset) -> str:
        node = self.node
        path = f"{document.StudyInstanceUID}/{document.SeriesInstanceUID}/{document.SOPInstanceUID}"
        return f"dicom://{node.called}@{node.host}:{node.port}/{path}"
