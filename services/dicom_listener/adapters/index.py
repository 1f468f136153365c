"""The index over the journal: SQLite, rebuilt from the journal whenever it is missing, foreign or behind.

Applying a record twice changes nothing, so a segment can be replayed from its beginning.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from threading import RLock
from typing import Any

from services.dicom_listener.handlers.study import fingerprint_of
from services.dicom_listener.ports.records import (
    CommitmentReported,
    CommitmentRequested,
    ErasureAsked,
    ErasureFinished,
    InstanceAgain,
    InstanceQuarantined,
    InstanceStored,
    NoticeDelivered,
    NoticeRaised,
    OwnOutputSeen,
    PixelsChecked,
    Record,
    SegmentJudged,
    StudyCompleted,
    StudySubmitted,
)
from shared.domain.errors import OutOfResourcesError

VERSION = 6
"""``PRAGMA user_version``; another one means: throw away and rebuild."""

_SCHEMA = """
CREATE TABLE instance (sop TEXT, version INTEGER, study TEXT, record TEXT, uri TEXT, rank TEXT,
    PRIMARY KEY (sop, version)) WITHOUT ROWID;
CREATE INDEX instance_rank ON instance (sop, rank);
CREATE INDEX instance_study ON instance (study);
CREATE INDEX instance_uri ON instance (uri);
CREATE TABLE study (study TEXT PRIMARY KEY, dirty INTEGER, completed INTEGER, completion TEXT, submitted INTEGER)
    WITHOUT ROWID;
CREATE INDEX study_open ON study (study) WHERE dirty OR completed > submitted;
CREATE TABLE quarantine (id TEXT PRIMARY KEY, record TEXT) WITHOUT ROWID;
CREATE INDEX quarantine_sop ON quarantine (json_extract(record, '$.sop_instance_uid'));
CREATE TABLE own_output (sop TEXT PRIMARY KEY, study TEXT) WITHOUT ROWID;
CREATE TABLE notice (position INTEGER PRIMARY KEY, id TEXT UNIQUE, record TEXT, delivered INTEGER);
CREATE INDEX notice_due ON notice (position) WHERE NOT delivered;
CREATE TABLE judged (segment TEXT PRIMARY KEY, position INTEGER) WITHOUT ROWID;
CREATE TABLE pixels (sop TEXT, content TEXT, outcome TEXT, PRIMARY KEY (sop, content)) WITHOUT ROWID;
CREATE TABLE unchecked (sop TEXT, version INTEGER, PRIMARY KEY (sop, version)) WITHOUT ROWID;
CREATE TABLE commitment (requestor TEXT, txn TEXT, turn INTEGER, record TEXT, settled INTEGER, time TEXT,
    PRIMARY KEY (requestor, txn)) WITHOUT ROWID;
CREATE INDEX commitment_due ON commitment (time) WHERE NOT settled;
CREATE TABLE erasure (id TEXT PRIMARY KEY, record TEXT, finished TEXT) WITHOUT ROWID;
CREATE TABLE progress (segment INTEGER);
INSERT INTO progress VALUES (0);
"""

_CURRENT = (
    "SELECT record FROM instance WHERE {} "
    "AND rank = (SELECT MAX(rank) FROM instance AS other WHERE other.sop = instance.sop) ORDER BY sop"
)


class Index:
    """One connection behind one lock: calls are short and come from several threads."""

    def __init__(self, path: Path) -> None:
        self._lock = RLock()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._connection = _open(path)
        self._apply: dict[type[Record], Callable[[Any], None]] = {
            InstanceStored: self._instance,
            InstanceAgain: self._instance_again,
            InstanceQuarantined: self._quarantine,
            OwnOutputSeen: self._own_output,
            StudyCompleted: self._completed,
            StudySubmitted: self._submitted,
            NoticeRaised: self._notice,
            NoticeDelivered: self._notice_delivered,
            SegmentJudged: self._judged,
            PixelsChecked: self._pixels,
            CommitmentRequested: self._commitment_requested,
            CommitmentReported: self._commitment_reported,
            ErasureAsked: self._erasure_asked,
            ErasureFinished: self._erasure_finished,
        }

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    @property
    def segment(self) -> int:
        """Return the journal segment whose records were last applied; earlier ones are in the index whole."""
        return int(self.rows("SELECT segment FROM progress")[0][0])

    def begin(self, segment: int) -> None:
        """State that from now on records of this segment are applied."""
        with self._lock, self._connection:
            self._write("UPDATE progress SET segment = ?", segment)

    def apply(self, *records: Record) -> None:
        """Make the records visible, all or none.

        Raises:
            OutOfResourcesError: If the disk refuses; what is in the journal is applied at the next start.
        """
        with _disk(), self._lock, self._connection:
            for record in records:
                self._apply[type(record)](record)

    def rows(self, query: str, *values: object) -> list[Any]:
        """Return the rows of a query; errors as ``apply``."""
        with _disk(), self._lock:
            return self._connection.execute(query, values).fetchall()

    def current(self, where: str, value: str) -> tuple[InstanceStored, ...]:
        """Return the current versions of the instances where a column has a value, by SOP Instance UID."""
        found = self.rows(_CURRENT.format(where), value)
        return tuple(InstanceStored(**json.loads(row[0])) for row in found)

    def _write(self, statement: str, *values: object) -> int:
        """Change rows within the transaction of the caller; return how many."""
        return self._connection.execute(statement, values).rowcount

    def _instance(self, record: InstanceStored) -> None:
        key = (record.sop_instance_uid, record.version, record.study_instance_uid)
        row = (*key, _text(record), record.blob_uri, record.rank)
        if self._write("INSERT OR IGNORE INTO instance VALUES (?, ?, ?, ?, ?, ?)", *row):
            self._touch(record.study_instance_uid)
            theirs = "UPDATE study SET dirty = 1 WHERE study IN (SELECT study FROM instance WHERE sop = ?)"
            self._write(theirs, key[0])
            if not self.rows("SELECT 1 FROM pixels WHERE sop = ? AND content = ?", key[0], record.content_digest):
                self._write("INSERT INTO unchecked VALUES (?, ?)", key[0], record.version)

    def _instance_again(self, record: InstanceAgain) -> None:
        key = record.sop_instance_uid, record.version
        for row in self.rows("SELECT record FROM instance WHERE sop = ? AND version = ?", *key):
            known = InstanceStored(**json.loads(row[0]))
            last = max(known.received, record.received) if record.same else known.received
            known = replace(known, received=last, first_received=min(known.first_received, record.received))
            update = "UPDATE instance SET record = ?, rank = ? WHERE sop = ? AND version = ?"
            self._write(update, _text(known), known.rank, *key)

    def _touch(self, study: str) -> None:
        self._write("INSERT OR IGNORE INTO study VALUES (?, 1, 0, NULL, 0)", study)

    def _quarantine(self, record: InstanceQuarantined) -> None:
        self._write("INSERT OR IGNORE INTO quarantine VALUES (?, ?)", record.quarantine_id, _text(record))
        self._notice(NoticeRaised(record.quarantine_id, record.kind, record.text, record.time))

    def _own_output(self, record: OwnOutputSeen) -> None:
        self._write(
            "INSERT OR IGNORE INTO own_output VALUES (?, ?)", record.sop_instance_uid, record.study_instance_uid
        )

    def _completed(self, record: StudyCompleted) -> None:
        study = record.study_instance_uid
        self._touch(study)
        dirty = fingerprint_of(self.current("study = ?", study)) != record.fingerprint
        self._write(
            "UPDATE study SET dirty = ?, completed = ?, completion = ? WHERE study = ? AND completed <= ?",
            int(dirty), record.ordinal, _text(record), study, record.ordinal,
        )  # fmt: skip

    def _submitted(self, record: StudySubmitted) -> None:
        self._touch(record.study_instance_uid)
        self._write(
            "UPDATE study SET submitted = MAX(submitted, ?) WHERE study = ?", record.ordinal, record.study_instance_uid
        )

    def _notice(self, record: NoticeRaised) -> None:
        self._write(
            "INSERT OR IGNORE INTO notice (id, record, delivered) VALUES (?, ?, 0)", record.notice_id, _text(record)
        )

    def _notice_delivered(self, record: NoticeDelivered) -> None:
        self._write("UPDATE notice SET delivered = 1 WHERE id = ?", record.notice_id)

    def _judged(self, record: SegmentJudged) -> None:
        self._write("INSERT OR REPLACE INTO judged VALUES (?, ?)", record.segment, record.offset)

    def _pixels(self, record: PixelsChecked) -> None:
        sop = record.sop_instance_uid
        self._write("INSERT OR REPLACE INTO pixels VALUES (?, ?, ?)", sop, record.content_digest, record.outcome)
        self._write("DELETE FROM unchecked WHERE sop = ?", sop)

    def _commitment_requested(self, record: CommitmentRequested) -> None:
        self._write(
            "INSERT INTO commitment VALUES (?, ?, ?, ?, 0, ?) ON CONFLICT DO UPDATE SET turn = excluded.turn, "
            "record = excluded.record, settled = 0, time = excluded.time WHERE excluded.turn > turn",
            record.requestor, record.transaction_uid, record.turn, _text(record), record.time,
        )  # fmt: skip

    def _commitment_reported(self, record: CommitmentReported) -> None:
        key = (record.requestor, record.transaction_uid, record.turn)
        self._write("UPDATE commitment SET settled = 1 WHERE requestor = ? AND txn = ? AND turn <= ?", *key)

    def _erasure_asked(self, record: ErasureAsked) -> None:
        self._write("INSERT OR IGNORE INTO erasure VALUES (?, ?, NULL)", record.erasure_id, _text(record))

    def _erasure_finished(self, record: ErasureFinished) -> None:
        self._write("UPDATE erasure SET finished = ? WHERE id = ?", record.time, record.erasure_id)

    def remove(self, *statements: tuple[str, Iterable[tuple[object, ...]]]) -> None:
        """Run statements, each over its rows of values, all or none; errors as ``apply``."""
        with _disk(), self._lock, self._connection:
            for statement, rows in statements:
                self._connection.executemany(statement, rows)

    def compact(self) -> None:
        """Leave no byte of what was removed: not in free pages, and not in the write-ahead log; errors as ``apply``."""
        with _disk(), self._lock:
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise OutOfResourcesError("the index cannot be read or written") from error


def _text(record: Record) -> str:
    return json.dumps(asdict(record), separators=(",", ":"))


def _open(path: Path) -> sqlite3.Connection:
    """Open the database at ``path``; anything that is not this version of it is replaced by an empty one."""
    try:
        connection = _connect(path)
        if connection.execute("PRAGMA user_version").fetchone()[0] == VERSION:
            return connection
        connection.close()
    except sqlite3.DatabaseError:
        pass
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    connection = _connect(path)
    connection.executescript(_SCHEMA)
    connection.execute(f"PRAGMA user_version = {VERSION}")
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA secure_delete = ON")
    # The journal is the truth: after a power cut the index may lag behind it, and is caught up at the next start.
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection
