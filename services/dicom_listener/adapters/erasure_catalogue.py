"""What an erasure asks of journal and index, and takes out of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.dicom_listener.adapters.catalogue import JournaledCatalogue
from services.dicom_listener.formats.journal_erasure import names
from services.dicom_listener.ports.erasure import Doomed
from services.dicom_listener.ports.records import (
    CommitmentRequested,
    ErasureAsked,
    InstanceQuarantined,
    InstanceStored,
    NoticeRaised,
    Record,
)
from shared.domain.governance import ObjectErasure

_PATIENTS = "SELECT DISTINCT json_extract(record, '$.patient_id'), json_extract(record, '$.issuer') FROM instance"
_THEIR_STUDIES = (
    "SELECT DISTINCT study FROM instance "
    "WHERE json_extract(record, '$.patient_id') = ? AND json_extract(record, '$.issuer') = ?"
)
_WITHOUT_INSTANCE = (
    "DELETE FROM unchecked WHERE sop = ?1 AND NOT EXISTS (SELECT 1 FROM instance WHERE sop = ?1)",
    "DELETE FROM pixels WHERE sop = ?1 AND NOT EXISTS (SELECT 1 FROM instance WHERE sop = ?1)",
)
_WITHOUT_STUDY = (
    "DELETE FROM own_output WHERE study = ?1 AND NOT EXISTS (SELECT 1 FROM instance WHERE study = ?1)",
    "DELETE FROM study WHERE study = ?1 AND NOT EXISTS (SELECT 1 FROM instance WHERE study = ?1)",
)
"""What came since, under the same UID, keeps its rows."""


@dataclass(frozen=True, slots=True)
class ErasureView:
    """Implements ``ports.erasure.ErasureCatalogue`` on the catalogue of everybody else."""

    catalogue: JournaledCatalogue

    def record(self, *records: Record) -> None:
        """Write to journal and index."""
        self.catalogue.record(*records)

    def rotate(self) -> int:
        """Begin a new journal segment."""
        return self.catalogue.rotate()

    def studies_where(self, chosen: Callable[[str, str], bool]) -> tuple[str, ...]:
        """Return the studies of chosen patients; looks at every instance once."""
        index = self.catalogue.index
        patients = [row for row in index.rows(_PATIENTS) if chosen(*row)]
        return tuple(sorted({row[0] for patient in patients for row in index.rows(_THEIR_STUDIES, *patient)}))

    def versions(self, study_instance_uid: str) -> tuple[InstanceStored, ...]:
        """Return every version of a study's instances, the current ones behind the others."""
        query = "SELECT record FROM instance WHERE study = ? ORDER BY rank, sop"
        found = self.catalogue.index.rows(query, study_instance_uid)
        return tuple(InstanceStored(**json.loads(row[0])) for row in found)

    def own_outputs(self, study_instance_uid: str) -> tuple[str, ...]:
        """Return our own objects that came back in a study."""
        found = self.catalogue.index.rows("SELECT sop FROM own_output WHERE study = ?", study_instance_uid)
        return tuple(row[0] for row in found)

    def all_quarantined(self) -> tuple[InstanceQuarantined, ...]:
        """Return everything in quarantine."""
        found = self.catalogue.index.rows("SELECT record FROM quarantine")
        return tuple(InstanceQuarantined(**json.loads(row[0])) for row in found)

    def all_notices(self) -> tuple[NoticeRaised, ...]:
        """Return every notice."""
        found = self.catalogue.index.rows("SELECT record FROM notice")
        return tuple(NoticeRaised(**json.loads(row[0])) for row in found)

    def all_commitments(self) -> tuple[CommitmentRequested, ...]:
        """Return the newest request of every transaction."""
        found = self.catalogue.index.rows("SELECT record FROM commitment")
        return tuple(CommitmentRequested(**json.loads(row[0])) for row in found)

    def erasure(self, erasure_id: str) -> ObjectErasure | None:
        """Return how far an erasure is."""
        found = self.catalogue.index.rows("SELECT record, finished FROM erasure WHERE id = ?", erasure_id)
        if not found:
            return None
        asked, finished = ErasureAsked(**json.loads(found[0][0])), found[0][1]
        done = datetime.fromisoformat(finished) if finished else None
        return ObjectErasure(erasure_id, asked.instances, asked.studies, asked.quarantined, done)

    def unfinished(self) -> tuple[str, ...]:
        """Return the erasures that were asked for and are not finished."""
        return tuple(row[0] for row in self.catalogue.index.rows("SELECT id FROM erasure WHERE finished IS NULL"))

    def forget(self, doomed: Doomed) -> None:
        """Take it out of the index; what came since (another URI) stays."""
        sops = [(uid,) for uid in doomed.sops]
        studies = [(uid,) for uid in doomed.studies]
        self.catalogue.index.remove(
            ("DELETE FROM instance WHERE sop = ? AND version = ? AND uri = ?", doomed.instances),
            *((statement, sops) for statement in _WITHOUT_INSTANCE),
            *((statement, studies) for statement in _WITHOUT_STUDY),
            ("UPDATE study SET dirty = 1 WHERE study = ?", [(uid,) for uid in doomed.touched]),
            ("DELETE FROM quarantine WHERE id = ?", [(name,) for name in doomed.quarantined]),
            ("DELETE FROM notice WHERE id = ?", [(name,) for name in doomed.notices]),
            ("DELETE FROM commitment WHERE requestor = ? AND txn = ?", doomed.commitments),
        )

    def purge(self, doomed: Doomed) -> None:
        """Write older journal segments anew, then the index."""
        gone = names(doomed)
        for segment in self.catalogue.segments.segments():
            if segment < doomed.before:
                self.catalogue.segments.rewrite(segment, gone)
        self.forget(doomed)
        self.catalogue.index.compact()
