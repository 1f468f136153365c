"""Journal and index together: written first to the one, then to the other."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import structlog

from services.dicom_listener.adapters.index import Index
from services.dicom_listener.adapters.journal import JournalFolder, JournalWriter
from services.dicom_listener.handlers.turns import Turns
from services.dicom_listener.ports.records import (
    CommitmentRequested,
    InstanceStored,
    NoticeRaised,
    Record,
    StudyCompleted,
)
from shared.domain.errors import OutOfResourcesError

log = structlog.get_logger("oncorelay.dicom_listener")

_ROTATE_S = 30.0
"""Longest wait for records on their way, in seconds."""
_BATCH = 5000
"""Records per transaction while the journal is replayed."""


@dataclass(slots=True)
class JournaledCatalogue:
    """Implements ``ports.stores.Catalogue``; the owner closes it."""

    journal: JournalWriter
    index: Index
    segments: JournalFolder
    _turns: Turns = field(default_factory=Turns)

    def record(self, *records: Record) -> None:
        """Write to the journal, then to the index."""
        with self._turns.together():
            self.journal.append(*records)
            self.index.apply(*records)

    def rotate(self) -> int:
        """Begin a new journal segment; return its number. Nothing is between journal and index meanwhile."""
        with self._turns.alone(_ROTATE_S):
            try:
                number, writer = self.segments.begin()
            except OSError as error:
                raise OutOfResourcesError("the journal cannot begin a new segment") from error
            self.index.begin(number)
            self.journal.close()
            self.journal = writer
        return number

    def close(self) -> None:
        """Close journal and index."""
        self.journal.close()
        self.index.close()

    def current(self, sop_instance_uid: str) -> InstanceStored | None:
        """Return the current version of an instance."""
        return next(iter(self.index.current("sop = ?", sop_instance_uid)), None)

    def last_version(self, sop_instance_uid: str) -> int:
        """Return the highest version number of an instance, 0 where there is none."""
        rows = self.index.rows("SELECT MAX(version) FROM instance WHERE sop = ?", sop_instance_uid)
        return int(rows[0][0] or 0)

    def is_quarantined(self, quarantine_id: str) -> bool:
        """Tell whether this very object is in quarantine already."""
        return bool(self.index.rows("SELECT 1 FROM quarantine WHERE id = ?", quarantine_id))

    def is_own_output(self, sop_instance_uid: str) -> bool:
        """Tell whether this instance was recorded as our own output."""
        return bool(self.index.rows("SELECT 1 FROM own_output WHERE sop = ?", sop_instance_uid))

    def own_output_count(self, study_instance_uid: str) -> int:
        """Return how many of our own objects came back in this study."""
        return int(self.index.rows("SELECT COUNT(*) FROM own_output WHERE study = ?", study_instance_uid)[0][0])

    def instances(self, study_instance_uid: str) -> tuple[InstanceStored, ...]:
        """Return the current versions of a study's instances, by SOP Instance UID."""
        return self.index.current("study = ?", study_instance_uid)

    def judged(self, segment: str) -> int:
        """Return up to which offset a segment of the inbox was judged."""
        rows = self.index.rows("SELECT position FROM judged WHERE segment = ?", segment)
        return int(rows[0][0]) if rows else 0

    def names_segments(self) -> bool:
        """Tell whether anything of the inbox was ever judged."""
        return bool(self.index.rows("SELECT 1 FROM judged LIMIT 1"))

    def unchecked(self, count: int) -> tuple[InstanceStored, ...]:
        """Return up to ``count`` instances whose pixels nobody has looked at."""
        rows = self.index.rows("SELECT record FROM unchecked JOIN instance USING (sop, version) LIMIT ?", count)
        return tuple(InstanceStored(**json.loads(row[0])) for row in rows)

    def pixels(self, instance: InstanceStored) -> str:
        """Return the outcome of the pixel check of this content; empty while there is none."""
        key = (instance.sop_instance_uid, instance.content_digest)
        rows = self.index.rows("SELECT outcome FROM pixels WHERE sop = ? AND content = ?", *key)
        return str(rows[0][0]) if rows else ""

    def last_completion(self, study_instance_uid: str) -> StudyCompleted | None:
        """Return the newest completion of a study."""
        rows = self.index.rows("SELECT completion FROM study WHERE study = ? AND completed > 0", study_instance_uid)
        return StudyCompleted(**json.loads(rows[0][0])) if rows else None

    def unfinished_studies(self) -> tuple[str, ...]:
        """Return the studies whose instances differ from what their last completion named."""
        return tuple(row[0] for row in self.index.rows("SELECT study FROM study WHERE dirty ORDER BY study"))

    def due_submissions(self) -> tuple[StudyCompleted, ...]:
        """Return the newest completions that results has not answered, oldest first."""
        rows = self.index.rows("SELECT completion FROM study WHERE completed > submitted")
        due = [StudyCompleted(**json.loads(row[0])) for row in rows]
        return tuple(sorted(due, key=lambda completion: completion.time))

    def due_notices(self) -> tuple[NoticeRaised, ...]:
        """Return the notices that results does not have, oldest first."""
        rows = self.index.rows("SELECT record FROM notice WHERE NOT delivered ORDER BY position")
        return tuple(NoticeRaised(**json.loads(row[0])) for row in rows)

    def has_clash(self, sop_instance_uid: str) -> bool:
        """Tell whether another object of this UID lies in quarantine."""
        found = self.index.rows(
            "SELECT 1 FROM quarantine WHERE json_extract(record, '$.sop_instance_uid') = ? AND "
            "json_extract(record, '$.kind') = 'dicom_uid_clash'",
            sop_instance_uid,
        )
        return bool(found)

    def commitment(self, requestor: str, transaction_uid: str) -> tuple[CommitmentRequested, bool] | None:
        """Return the newest request of a transaction, and whether its report is settled."""
        query = "SELECT record, settled FROM commitment WHERE requestor = ? AND txn = ?"
        rows = self.index.rows(query, requestor, transaction_uid)
        return (CommitmentRequested(**json.loads(rows[0][0])), bool(rows[0][1])) if rows else None

    def due_commitment_keys(self) -> tuple[tuple[str, str, int], ...]:
        """Return requestor, transaction and turn of the requests that are not settled, oldest first."""
        return tuple(self.index.rows("SELECT requestor, txn, turn FROM commitment WHERE NOT settled ORDER BY time"))

    def count_due_commitments(self, requestor: str) -> int:
        """Return how many requests of one requestor are not settled."""
        query = "SELECT count(*) FROM commitment WHERE NOT settled AND requestor = ?"
        return int(self.index.rows(query, requestor)[0][0])

    def holders(self, folder_uri: str) -> tuple[str, ...]:
        """Return the URIs of every version of an instance that lies in a file, given by its URI."""
        # Every range of the file begins with its URI and "?"; "@" is the next character.
        found = self.index.rows(
            "SELECT uri FROM instance WHERE uri >= ? AND uri < ?", f"{folder_uri}?", f"{folder_uri}@"
        )
        return tuple(row[0] for row in found)

    def is_accounted_for(self, sop_instance_uid: str) -> bool:
        """Tell whether something is known of an instance: an object that lies apart from it is not needed."""
        uid = sop_instance_uid
        quarantined = "SELECT 1 FROM quarantine WHERE json_extract(record, '$.sop_instance_uid') = ?"
        return bool(self.current(uid) or self.is_own_output(uid) or self.index.rows(quarantined, uid))


def open_catalogue(folder: Path) -> JournaledCatalogue:
    """Bring the index up to the journal below ``folder`` and begin a new segment."""
    segments = JournalFolder(folder / "journal")
    index = Index(folder / "index.sqlite")
    behind = [number for number in segments.segments() if number >= index.segment]
    replayed = sum(_replay(index, segments, number) for number in behind)
    number, writer = segments.begin()
    index.begin(number)
    log.info("catalogue_opened", segments=len(segments.segments()), replayed=replayed)
    return JournaledCatalogue(writer, index, segments)


def _replay(index: Index, segments: JournalFolder, number: int) -> int:
    count = 0
    records = segments.read(number)
    while batch := tuple(islice(records, _BATCH)):
        index.apply(*batch)
        count += len(batch)
    return count
