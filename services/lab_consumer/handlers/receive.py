"""Receive: judge every resource, keep what is ours in one transaction, answer each one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.lab_consumer.handlers.answers import Answer, refused, warned
from services.lab_consumer.handlers.judge import NO_ORDERS, Judged, OrderRules, Reader, judge
from services.lab_consumer.handlers.keep import Kept, affected, keep, update
from services.lab_consumer.handlers.panels import NO_PANELS, PanelRules
from services.lab_consumer.handlers.submission import UNNAMED, Submission
from services.lab_consumer.ports.records import Refusal, Statement
from services.lab_consumer.ports.store import FactStore, Writing
from shared.domain.identity import IdentityMap
from shared.domain.refusals import ANSWERS, Cause
from shared.fhir.reading.refusal import IssueCode, MalformedError, RefusedElementError
from shared.fhir.reading.site_codes import NO_SITE_CODES, SiteCodes

Entry = Submission | RefusedElementError
"""One resource, or why an entry of a Bundle is none."""
Also = Callable[[Writing, Sequence[Answer]], None]
"""What else is written in the transaction of the resources; an exception of it undoes them."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A resource that was refused; ``submission`` None where there was none."""

    error: RefusedElementError
    submission: Submission | None = None

    @property
    def source(self) -> str:
        """Return ``Type/id``; empty where the resource could not be told."""
        return self.submission.source if self.submission else ""

    @property
    def answer(self) -> Answer:
        """Return the HTTP status and the issue."""
        return Answer(status_of(self.error), self.source, (refused(self.error),))


@dataclass(frozen=True, slots=True)
class Settled:
    """One entry after its turn."""

    kept: Kept
    rejected: Rejected | None = None


def status_of(error: RefusedElementError) -> int:
    """Return the HTTP status of a refusal (FHIR R4 3.1.0.8.1); its issue code stays the reader's own, finer one."""
    return ANSWERS[_cause_of(error)].http


def _cause_of(error: RefusedElementError) -> Cause:
    if error.code is IssueCode.DUPLICATE:
        return Cause.DUPLICATE
    if isinstance(error, MalformedError):
        return Cause.TOO_LARGE if error.code is IssueCode.TOO_LONG else Cause.UNREADABLE
    return Cause.INVALID_VALUE


@dataclass(frozen=True, slots=True)
class Receive:
    """Accept resources. What is answered with success is committed."""

    store: FactStore
    identities: IdentityMap
    changed: Callable[[], None]
    """Called after a commit, so that announcements need not wait."""
    now: Callable[[], datetime]
    """The time, aware: what is said to have been observed later is refused."""
    site_codes: SiteCodes = NO_SITE_CODES
    """What the site's own codes mean."""
    rules: PanelRules = NO_PANELS
    orders: OrderRules = NO_ORDERS

    def __call__(
        self, entries: Sequence[Entry], *, atomic: bool = False, newest_first: bool = False, also: Also | None = None
    ) -> list[Answer]:
        """Return one answer per entry, in their order.

        ``atomic``: if one is refused, none is kept. ``newest_first``: the last entry is kept first.

        Raises:
            TemporaryError: If nothing could be kept; the same request may succeed later.
        """
        reader = Reader(self.identities, self.now(), self.site_codes, self.orders)
        judged = [_judged(entry, reader) for entry in entries]
        try:
            answers = self._kept(judged, also, atomic=atomic, newest_first=newest_first)
        except _NothingKeptError as nothing:
            self._record(nothing.rejected)
            return [row.answer for row in nothing.rejected]
        self.changed()
        return answers

    def refuse(self, error: RefusedElementError, source: str = "") -> Answer:
        """Record and answer a request that could not even be read."""
        with self.store.writing() as writing:
            _refuse(writing, source, error)
        return Answer(status_of(error), source, (refused(error),))

    def _kept(
        self, judged: Sequence[Judged | Rejected], also: Also | None, *, atomic: bool, newest_first: bool
    ) -> list[Answer]:
        with self.store.writing() as writing:
            order = range(len(judged) - 1, -1, -1) if newest_first else range(len(judged))
            settled = {place: self._one(writing, judged[place]) for place in order}
            rejected = [row.rejected for _, row in sorted(settled.items()) if row.rejected]
            if atomic and rejected:
                raise _NothingKeptError(rejected)
            problems = self._update(writing, [row.kept for row in settled.values()])
            answers = [_with_problems(settled[place].kept.answer, problems) for place in range(len(judged))]
            if also:
                also(writing, answers)
            return answers

    def _update(self, writing: Writing, kept: Iterable[Kept]) -> list[Statement]:
        """Look at the facts of everybody concerned again; return the problems that are new, recorded."""
        found: list[Statement] = []
        for owner, leaves in sorted(affected(kept).items(), key=repr):
            found += update(writing, owner, self.identities, leaves, self.rules)
        _record_problems(writing, found)
        return found

    def _one(self, writing: Writing, judged: Judged | Rejected) -> Settled:
        if isinstance(judged, Rejected):
            return Settled(self._withdraw(writing, judged), judged)
        try:
            kept = keep(writing, judged, self.identities)
        except RefusedElementError as error:
            rejected = Rejected(error, judged.submission)
            if judged.submission.resource_type == "Patient" and judged.submission.resource_id.startswith(UNNAMED):
                # What a message says about a patient of hers who is another one belongs to nobody.
                return Settled(self._withdraw(writing, rejected), rejected)
            _refuse(writing, rejected.source, error)
            return Settled(Kept(rejected.answer), rejected)
        if judged.warning:
            _refuse(writing, judged.submission.source, judged.warning)
        return Settled(kept)

    def _withdraw(self, writing: Writing, row: Rejected) -> Kept:
        """Record a refusal. What an earlier version said no longer holds: its author replaced it."""
        _refuse(writing, row.source, row.error)
        if row.submission is None or isinstance(row.error, MalformedError):
            return Kept(row.answer)
        try:
            return replace(keep(writing, Judged(row.submission, None), self.identities), answer=row.answer)
        except RefusedElementError:  # what an earlier version said is another patient's, and stands
            return Kept(row.answer)

    def _record(self, rejected: Iterable[Rejected]) -> None:
        with self.store.writing() as writing:
            for row in rejected:
                _refuse(writing, row.source, row.error)


class _NothingKeptError(Exception):
    """Ends the transaction of an atomic request."""

    def __init__(self, rejected: list[Rejected]) -> None:
        super().__init__(rejected)
        self.rejected = [_placed(row) for row in rejected]


def _placed(row: Rejected) -> Rejected:
    """Return the refusal with its element named from the Bundle on."""
    place = row.submission.place if row.submission else ""
    if not place or row.submission is None:
        return row
    tail = row.error.element.removeprefix(row.submission.resource_type)
    return replace(row, error=type(row.error)(place + tail, row.error.code, row.error.reason))


def _judged(entry: Entry, reader: Reader) -> Judged | Rejected:
    if isinstance(entry, RefusedElementError):
        return Rejected(entry)
    try:
        return judge(entry, reader)
    except RefusedElementError as error:
        return Rejected(error, entry)


def _refuse(writing: Writing, source: str, error: RefusedElementError) -> None:
    writing.refuse(Refusal(source, error.element, error.code.value, error.reason, writing.now))


def _record_problems(writing: Writing, problems: Iterable[Statement]) -> None:
    for row in problems:
        _refuse(writing, row.key.partition(" ")[0], _problem(row))


def _problem(row: Statement, introduction: str = "") -> RefusedElementError:
    return RefusedElementError(row.key.partition(" ")[2], IssueCode.CONFLICT, f"{introduction}{row.value}")


def _with_problems(answer: Answer, problems: Sequence[Statement]) -> Answer:
    mine = [row for row in problems if answer.source and row.key.startswith(f"{answer.source} ")]
    issues = tuple(warned(_problem(row, "kept, and not used: ")) for row in mine)
    return replace(answer, issues=(*issues, *answer.issues)) if issues else answer
