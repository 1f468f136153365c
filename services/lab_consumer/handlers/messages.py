"""One HL7 v2 message: taken in once, however often it comes, and answered alike."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from services.lab_consumer.handlers.answers import Answer, Severity
from services.lab_consumer.handlers.keep import update
from services.lab_consumer.handlers.linking import merge
from services.lab_consumer.handlers.receive import Entry, Receive
from services.lab_consumer.handlers.submission import Submission
from services.lab_consumer.ports.records import Refusal, Version
from services.lab_consumer.ports.store import Writing
from shared.domain.governance import PatientChange
from shared.domain.identity import PatientIdentity
from shared.domain.refusals import Cause
from shared.fhir.reading.refusal import IssueCode

_TYPE = "MessageHeader"
"""Under this FHIR type a message is remembered: that it came, and what was answered; nothing of what it said."""
_CAUSES = {409: Cause.DUPLICATE}


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why something of a message was not taken."""

    element: str
    """``OBX[2]-5``, or the FHIRPath of the resource that the segment became."""
    place: str
    """The segment; empty where ``element`` names it."""
    cause: Cause
    code: str
    text: str
    warning: bool = False
    """It was taken, or is none of our business, and a person should look."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message whose parts were read."""

    digest: str
    """sha256 (hex) of all of it, control id and sender included, and of the site's tables it was read by: the same
    again is the same message, until the site declares a code it did not know."""
    entries: tuple[Entry, ...] = ()
    changes: tuple[PatientChange, ...] = ()


@dataclass(frozen=True, slots=True)
class TakeMessage:
    """Keep what a message says. What is answered without a flaw is committed; so is the rest of one with flaws."""

    receive: Receive

    def __call__(self, message: Incoming) -> tuple[Flaw, ...]:
        """Return what of the message was not taken; empty: all of it was, or none of it is our business.

        A message that was taken whole is not looked at again. One that had flaws is: the site may have learnt a code
        meanwhile; where it fails as before nothing is written a second time.

        Raises:
            TemporaryError: If nothing could be kept; the same message may succeed later.
        """
        before = self._answered(message)
        if before == ():
            return ()
        try:
            return self._merge(message) if message.changes else self._results(message, before)
        except _AsBeforeError as again:
            return again.flaws

    def together(self) -> AbstractContextManager[None]:
        """Take the messages of a block in one transaction; none of them may be answered before the block has ended.

        Raises:
            TemporaryError: If nothing could be kept.
        """
        return self.receive.store.together()

    def refuse(self, message: Incoming, flaw: Flaw) -> None:
        """Record a message that could not even be read; once, however often it comes."""
        with self.receive.store.writing() as writing:
            if _remembered(writing, message) != (flaw,):
                writing.refuse(Refusal(_TYPE, flaw.element, flaw.code, flaw.text, writing.now))
                _remember(writing, message, (flaw,))

    def _answered(self, message: Incoming) -> tuple[Flaw, ...] | None:
        with self.receive.store.writing() as writing:
            return _remembered(writing, message)

    def _results(self, message: Incoming, before: tuple[Flaw, ...] | None) -> tuple[Flaw, ...]:
        found: list[Flaw] = []

        def remember(writing: Writing, answers: Sequence[Answer]) -> None:
            found.extend(_flaws(message.entries, answers))
            if tuple(found) == before:
                raise _AsBeforeError(tuple(found))
            _remember(writing, message, tuple(found))

        self.receive(message.entries, also=remember)
        return tuple(found)

    def _merge(self, message: Incoming) -> tuple[Flaw, ...]:
        with self.receive.store.writing() as writing:
            if _remembered(writing, message) is None:
                _follow(writing, message.changes, lambda whose: self._update(writing, whose))
                _remember(writing, message, ())
        self.receive.changed()
        return ()

    def _update(self, writing: Writing, owner: PatientIdentity) -> None:
        for problem in update(writing, owner, self.receive.identities, None, self.receive.rules):
            source, _, element = problem.key.partition(" ")
            row = Refusal(source, element, IssueCode.CONFLICT.value, str(problem.value), writing.now)
            writing.refuse(row)


class _AsBeforeError(Exception):
    """Undoes what a message wrote that failed exactly as it did before."""

    def __init__(self, flaws: tuple[Flaw, ...]) -> None:
        super().__init__()
        self.flaws = flaws


def digest_of(content: bytes, rules: str = "") -> str:
    """Return the digest of a message, as it is read by the site's ``rules``: read by others it is another one."""
    return hashlib.sha256(content + rules.encode()).hexdigest()


def _follow(writing: Writing, changes: Sequence[PatientChange], look_again: Callable[[PatientIdentity], None]) -> None:
    touched: set[PatientIdentity] = set()
    for change in changes:
        ends, survives = change.from_identity, change.to_identity
        if survives is not None and writing.merged_into(ends) != survives:
            touched |= merge(writing, ends, survives, change.message)
    for owner in sorted({one for whose in touched for one in (whose, writing.surviving(whose))}, key=repr):
        look_again(owner)


def _flaws(entries: Sequence[Entry], answers: Sequence[Answer]) -> list[Flaw]:
    found = []
    for entry, answer in zip(entries, answers, strict=True):
        place = entry.place if isinstance(entry, Submission) else ""
        cause = _CAUSES.get(answer.status, Cause.INVALID_VALUE)
        for issue in answer.issues:
            if issue.severity is not Severity.INFORMATION:
                warning = issue.severity is Severity.WARNING
                found.append(Flaw(issue.element, place, cause, issue.code.value, issue.text, warning))
    return found


def _id(message: Incoming) -> str:
    return f"v2-{message.digest[:48]}"


def _remembered(writing: Writing, message: Incoming) -> tuple[Flaw, ...] | None:
    """Return what was answered to this message before; None where it never came."""
    head = writing.head(_TYPE, _id(message))
    if head is None or head.content is None:
        return None
    rows = head.content.get("flaws", [])
    return tuple(Flaw(row[0], row[1], Cause(row[2]), row[3], row[4], row[5]) for row in rows)


def _remember(writing: Writing, message: Incoming, flaws: tuple[Flaw, ...]) -> None:
    rows = [[flaw.element, flaw.place, flaw.cause.value, flaw.code, flaw.text, flaw.warning] for flaw in flaws]
    writing.append(
        Version(
            resource_type=_TYPE,
            resource_id=_id(message),
            version=str(len(rows)),
            counted="",
            digest=message.digest,
            last_updated="",
            subject="",
            identity=None,
            needs="",
            content={"resourceType": _TYPE, "flaws": rows},
        )
    )
