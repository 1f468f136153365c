"""Judge what waits, batch by batch: read in the jail, decided by the table, recorded, and only then counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from services.dicom_listener.handlers.verdict import Court, Verdict
from services.dicom_listener.handlers.waiting import Batch, Waiting, WaitingObjects
from services.dicom_listener.handlers.watch import StudyWatch
from services.dicom_listener.ports.records import NoticeRaised, SegmentJudged
from services.dicom_listener.ports.stores import Catalogue, Ranges, Reader, Segments, Unread
from shared.dicom.fingerprint import Fingerprint
from shared.domain.errors import OncoRelayError

log = structlog.get_logger("oncorelay.dicom_listener")

SEGMENT_KIND = "dicom_segment_unreadable"
"""Notice: a segment of the inbox cannot be read."""
_BATCHES_PER_STEP = 100
_DEFECTS_BEFORE_QUARANTINE = 3


@dataclass(slots=True)
class JudgeObjects:
    """One step judges everything that waits; runs on one thread."""

    waiting: WaitingObjects
    reader: Reader
    ranges: Ranges
    catalogue: Catalogue
    watch: StudyWatch
    court: Court
    now: Callable[[], datetime]
    _careful: bool = False
    """True after a defect of ours: objects are judged one by one, to find the one it breaks over."""
    _defects: dict[str, int] = field(default_factory=dict)
    """How often a single object broke the judge, by its URI."""

    def __call__(self) -> None:
        """Judge batches until nothing waits, or enough were judged for one step.

        Raises:
            OncoRelayError: If something cannot be read or recorded now; it waits on.
        """
        for _ in range(_BATCHES_PER_STEP):
            batch = self.waiting.take()
            if batch is None:
                return
            try:
                self._judge(batch)
            except BaseException as error:
                self._careful = self._careful or _is_defect(error)
                self.waiting.put_back(batch)
                raise
            self._careful = False
            self._defects.clear()
            self.waiting.done(batch)

    def _judge(self, batch: Batch) -> None:
        if not self._careful:
            self._judge_together(batch.association, batch.objects)
            return
        for waiting in batch.objects:  # judging one again that was judged before the defect changes nothing
            try:
                self._judge_together(batch.association, (waiting,))
            except Exception as error:
                if _is_defect(error):
                    uri = waiting.stored.uri
                    self._defects[uri] = self._defects.get(uri, 0) + 1
                raise

    def _judge_together(self, association: int, objects: tuple[Waiting, ...]) -> None:
        judged: list[tuple[Waiting, Verdict]] = []
        seen: set[str] = set()
        for waiting, reading in zip(objects, self._readings(objects), strict=True):
            uid = waiting.stored.announced.sop_instance_uid
            if uid in seen:  # the table asks what is recorded, so the first must be
                self._record(association, judged)
                judged, seen = [], set()
            judged.append((waiting, self.court.judge(waiting.stored, reading, self.now())))
            seen.add(uid)
        self._record(association, judged)

    def _readings(self, objects: tuple[Waiting, ...]) -> tuple[Fingerprint | Unread, ...]:
        """Read them; an object over which we broke again and again is set aside like one that cannot be read."""
        stored = [waiting.stored for waiting in objects]
        if self._defects.get(stored[0].uri, 0) >= _DEFECTS_BEFORE_QUARANTINE:
            return (Unread("reading it failed"),)
        readings = iter(self.reader.read([one for one in stored if not one.damage]))
        return tuple(Unread(one.damage) if one.damage else next(readings) for one in stored)

    def _record(self, association: int, judged: list[tuple[Waiting, Verdict]]) -> None:
        """Record the verdicts with the mark up to where the segment is judged; then let them count."""
        records = [record for _, verdict in judged for record in verdict.records]
        marks = {waiting.stored.segment: waiting.stored.end for waiting, _ in judged}
        self.catalogue.record(*records, *(SegmentJudged(segment, end) for segment, end in marks.items()))
        for waiting, verdict in judged:
            self._count(association, waiting, verdict)

    def _count(self, association: int, waiting: Waiting, verdict: Verdict) -> None:
        if verdict.study_instance_uid:
            self.watch.arrived(association, verdict.study_instance_uid, waiting.at)
        if not verdict.whole:
            self.watch.refused(association)
            log.warning("object_unreadable", sender=waiting.stored.announced.sender)
        if verdict.release:
            self._release(waiting.stored.uri)

    def _release(self, uri: str) -> None:
        try:
            self.ranges.release(uri)
        except OncoRelayError as error:
            log.warning("space_not_released", error=type(error).__name__)


def _is_defect(error: BaseException) -> bool:
    """Tell a defect of ours from trouble that passes by itself (disk, jail, journal)."""
    return isinstance(error, Exception) and not isinstance(error, OncoRelayError | OSError)


def recover(segments: Segments, catalogue: Catalogue, waiting: WaitingObjects, now: datetime) -> int:
    """Let everything wait that came before the process ended and was not judged; return in how many segments.

    Associations of this life have numbers above zero; what a crash left has numbers below. A segment that cannot be
    read holds up nothing else: a person is told, health says so, and the next start looks again.

    Raises:
        UnavailableError: If the inbox is not there.
    """
    found: list[tuple[str, str, int]] = []
    for name in segments.names():
        mark = catalogue.judged(name)
        try:
            first = next(iter(segments.scan(name, mark)), None)
        except OSError:
            waiting.unreadable.add(name)
            catalogue.record(_unreadable_segment(name, now))
            continue
        if first is not None:
            found.append((first.received, name, mark))
    for count, (_, name, mark) in enumerate(sorted(found), 1):
        waiting.recover(-count, name, mark)
    return len(found)


def _unreadable_segment(name: str, now: datetime) -> NoticeRaised:
    log.error("segment_unreadable", segment=name)
    text = (
        f"Segment {name} of the inbox cannot be read; objects in it were acknowledged and belong to no study yet. "
        "Repair the disk, or the permissions of the file, and start the listener anew."
    )
    return NoticeRaised(f"segment-{name}", SEGMENT_KIND, text, now.isoformat())


def resume_unfinished(catalogue: Catalogue, watch: StudyWatch) -> int:
    """Watch every study that was on its way when the process ended; return how many."""
    studies = catalogue.unfinished_studies()
    for study in studies:
        watch.resume(study, catalogue.instances(study)[-1].sender)
    return len(studies)
