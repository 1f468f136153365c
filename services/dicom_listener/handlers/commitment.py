"""Storage commitment as SCP (PS3.4 annex J): take a request durably, report when what it asks about was judged.

Committed means: the instance is a member of its study in our catalogue and its bytes are where the catalogue says.
Our own output that came back is not held here, so it fails; so does a UID of which two different objects came, because
nobody can tell which one the requestor means to forget. A request about objects that wait to be judged waits with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

import structlog

from services.dicom_listener.handlers.outbox import Backoff
from services.dicom_listener.ports.commitment import (
    CommitmentCatalogue,
    CommitmentReport,
    Reference,
    Reporter,
    ReportRefusedError,
)
from services.dicom_listener.ports.records import CommitmentReported, CommitmentRequested, NoticeRaised
from shared.domain.errors import OncoRelayError, TemporaryError
from shared.domain.refusals import Cause

log = structlog.get_logger("oncorelay.dicom_listener")

UNDELIVERED_KIND = "commitment_not_reported"
"""Notice: a requestor could not be told what is committed."""
MAX_REFERENCES = 100_000
MAX_OPEN = 1000
"""Unsettled requests of one requestor."""
_Key = tuple[str, str, int]
"""Requestor, transaction, turn."""
_UID = re.compile(r"[0-9.]{1,64}")


@dataclass(frozen=True, slots=True)
class RequestCommitment:
    """Record a request (N-ACTION)."""

    catalogue: CommitmentCatalogue
    requestors: frozenset[str]
    """AE titles whose address is configured: nobody else could be answered."""
    now: Callable[[], datetime]
    lock: Lock = field(default_factory=Lock)

    def __call__(self, requestor: str, transaction_uid: str, references: Sequence[Reference]) -> Cause | None:
        """Return why the request is refused; None: it is on disk. The same request again changes nothing."""
        if requestor not in self.requestors:
            return Cause.CALLER_UNKNOWN
        if len(references) > MAX_REFERENCES:
            return Cause.TOO_LARGE
        if not (references and _UID.fullmatch(transaction_uid) and all(map(_named, references))):
            return Cause.INVALID_VALUE
        with self.lock:
            return self._record(requestor, transaction_uid, references)

    def _record(self, requestor: str, transaction_uid: str, references: Sequence[Reference]) -> Cause | None:
        named = tuple((one.sop_class_uid, one.sop_instance_uid) for one in references)
        known = self.catalogue.commitment(requestor, transaction_uid)
        if known and known[0].references != named:
            return Cause.CONFLICT
        if known and not known[1]:
            return None  # its report is on the way
        if self.catalogue.count_due_commitments(requestor) >= MAX_OPEN:
            return Cause.OVERLOADED
        # Asked again after the report: it was lost on the other side, and is sent again.
        turn = known[0].turn + 1 if known else 1
        row = CommitmentRequested(requestor, transaction_uid, named, turn, self.now().isoformat())
        try:
            self.catalogue.record(row)
        except TemporaryError:
            return Cause.OUT_OF_SPACE
        return None


@dataclass(slots=True)
class ReportCommitments:
    """Report once what is due; runs on one thread."""

    catalogue: CommitmentCatalogue
    reporter: Reporter
    holds: Callable[[str], bool]
    """URI -> whether the object lies there."""
    waiting_since: Callable[[], float | None]
    """When (``ticks``) the oldest object came that nobody has judged; None: there is none."""
    now: Callable[[], datetime]
    ticks: Callable[[], float]
    wait_s: float
    """Longest wait for objects that are not judged yet, in seconds."""
    give_up_s: float
    """How long a requestor that does not answer is tried, in seconds."""
    _seen: dict[_Key, float] = field(default_factory=dict)
    _pauses: dict[str | _Key, Backoff] = field(default_factory=dict)
    """Of a requestor that cannot be reached, and of one request whose report it does not take."""

    def __call__(self) -> None:
        """Look once at every request that is not settled."""
        due = self.catalogue.due_commitment_keys()
        self._forget(set(due))
        for key in due:
            if not (self._pause(key[0]).waiting() or self._pause(key).waiting()):
                known = self.catalogue.commitment(key[0], key[1])
                if known:
                    self._settle(known[0])

    def _forget(self, due: set[_Key]) -> None:
        self._seen = {key: at for key, at in self._seen.items() if key in due}
        self._pauses = {key: pause for key, pause in self._pauses.items() if isinstance(key, str) or key in due}

    def _settle(self, row: CommitmentRequested) -> None:
        report = self._judge(row)
        if report is None:
            return
        try:
            self.reporter.report(row.requestor, report)
        except OncoRelayError as error:
            self._failed(row, error)
            return
        self._pause(row.requestor).succeeded()
        self._done(row, "delivered")
        log.info("commitment_reported", requestor=row.requestor, failed=len(report.failed))

    def _judge(self, row: CommitmentRequested) -> CommitmentReport | None:
        """Return the report, or None while something it asks about may still be on its way to the catalogue."""
        outcomes = [(Reference(*pair), self._cause(*pair)) for pair in row.references]
        if any(cause is Cause.NO_SUCH_OBJECT for _, cause in outcomes) and self._may_come(row):
            return None
        committed = tuple(reference for reference, cause in outcomes if cause is None)
        failed = tuple((reference, cause) for reference, cause in outcomes if cause is not None)
        return CommitmentReport(row.transaction_uid, committed, failed)

    def _cause(self, sop_class_uid: str, sop_instance_uid: str) -> Cause | None:
        found = self.catalogue.current(sop_instance_uid)
        if found is None:
            return Cause.NO_SUCH_OBJECT
        if found.sop_class_uid != sop_class_uid:
            return Cause.CLASS_CONFLICT
        held = self.holds(found.blob_uri) and not self.catalogue.has_clash(sop_instance_uid)
        return None if held else Cause.INTERNAL

    def _may_come(self, row: CommitmentRequested) -> bool:
        seen = self._seen.setdefault(_key(row), self.ticks())
        oldest = self.waiting_since()
        return oldest is not None and oldest <= seen and self.ticks() - seen < self.wait_s

    def _failed(self, row: CommitmentRequested, error: OncoRelayError) -> None:
        refused = isinstance(error, ReportRefusedError)
        self._pause(_key(row) if refused else row.requestor).failed()
        log.warning("commitment_report_failed", requestor=row.requestor, error=type(error).__name__)
        if isinstance(error, ReportRefusedError) and error.for_good:
            self._give_up(row, f"{error}, which no later try can change")
        elif self.now() - datetime.fromisoformat(row.time) > timedelta(seconds=self.give_up_s):
            self._give_up(
                row,
                f"it could not be told for {self.give_up_s / 3600:g} hours. Compare host and port of this peer in "
                "[[dicom_listener.peers]], and let it ask again",
            )

    def _give_up(self, row: CommitmentRequested, why: str) -> None:
        self._done(row, "given_up")
        text = f"{row.requestor} asked for storage commitment of {len(row.references)} instances: {why}."
        name = f"commitment-{row.transaction_uid}-{row.turn}"
        self.catalogue.record(NoticeRaised(name, UNDELIVERED_KIND, text, self.now().isoformat()))

    def _done(self, row: CommitmentRequested, outcome: str) -> None:
        stamp = self.now().isoformat()
        self.catalogue.record(CommitmentReported(row.requestor, row.transaction_uid, row.turn, outcome, stamp))

    def _pause(self, key: str | _Key) -> Backoff:
        return self._pauses.setdefault(key, Backoff(self.ticks, longest_s=300.0))


def _named(reference: Reference) -> bool:
    return bool(_UID.fullmatch(reference.sop_class_uid) and _UID.fullmatch(reference.sop_instance_uid))


def _key(row: CommitmentRequested) -> _Key:
    return row.requestor, row.transaction_uid, row.turn
