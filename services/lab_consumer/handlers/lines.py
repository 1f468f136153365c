"""NDJSON: one resource a line, kept in groups as they come; every line is answered for, none is dropped silently."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from services.lab_consumer.handlers.answers import Answer, Severity
from services.lab_consumer.handlers.receive import Entry, Receive
from services.lab_consumer.handlers.submission import Submission, id_of, type_of
from shared.domain.errors import TemporaryError
from shared.domain.refusals import Cause
from shared.fhir.reading.json_text import JsonLimits, parse
from shared.fhir.reading.references import Names
from shared.fhir.reading.refusal import IssueCode, MalformedError, RefusedElementError

GROUP = 500
"""Lines of one transaction at most."""
GROUP_BYTES = 4_000_000
"""Bytes of one transaction at most, as far as whole lines allow."""
MOST_REFUSED = 10_000
"""More refused lines than this: it is not what we read, and the rest is not read."""
_BLANK = b" \t\r"


class BrokenStreamError(Exception):
    """The body ended before its end. ``cause`` says why."""

    def __init__(self, cause: Cause, reason: str) -> None:
        super().__init__(cause, reason)
        self.cause = cause
        self.reason = reason


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """The answer to one line that a person should look at."""

    number: int
    """From 1."""
    answer: Answer


@dataclass(slots=True)
class Tally:
    """What became of the lines."""

    lines: int = 0
    """Lines answered for: the rest was not read, or could not be kept."""
    kept: int = 0
    waiting: int = 0
    """Kept until their Patient is known."""
    nothing_new: int = 0
    """The same again, older, not used, not applicable."""
    refused: int = 0
    told: list[LineAnswer] = field(default_factory=list)
    """Every line that was refused, or accepted with a warning."""
    broken: BrokenStreamError | None = None
    """Why not every line was taken; None: every one was."""

    def add(self, number: int, answer: Answer) -> None:
        """Count one line."""
        self.lines += 1
        self.refused += answer.refused
        self.kept += answer.status == 201
        self.waiting += answer.status == 202
        self.nothing_new += answer.status == 200
        if answer.refused or any(issue.severity is Severity.WARNING for issue in answer.issues):
            self.told.append(LineAnswer(number, answer))


@dataclass(frozen=True, slots=True)
class IntakeLines:
    """Receive NDJSON as it comes in."""

    receive: Receive
    limits: JsonLimits
    """Of one line."""
    base_url: str = ""
    trouble: Callable[[], Cause | None] = lambda: None
    """Why nothing can be taken now; asked before every group."""

    def __call__(self, pieces: Iterable[bytes]) -> Tally:
        """Keep group after group; what the tally counts is committed."""
        tally, names = Tally(), Names(self.base_url)
        try:
            for group in _groups(_lines(pieces, self.limits.max_bytes)):
                self._take(group, names, tally)
        except BrokenStreamError as broken:
            tally.broken = broken
        return tally

    def _take(self, group: list[tuple[int, bytes | None]], names: Names, tally: Tally) -> None:
        cause = self.trouble()
        if cause:
            raise BrokenStreamError(cause, f"nothing can be taken now ({cause.value})")
        entries = [self._read(number, line, names) for number, line in group]
        try:
            answers = self.receive(entries)
        except TemporaryError as error:
            raise BrokenStreamError(Cause.STORE_UNREACHABLE, str(error)) from error
        for (number, _), answer in zip(group, answers, strict=True):
            tally.add(number, answer)
        if tally.refused > MOST_REFUSED:
            raise BrokenStreamError(Cause.INVALID_VALUE, f"more than {MOST_REFUSED} lines are refused")

    def _read(self, number: int, line: bytes | None, names: Names) -> Entry:
        try:
            if line is None:
                raise MalformedError(
                    "Resource", IssueCode.TOO_LONG, f"the line is longer than {self.limits.max_bytes} bytes"
                )
            tree = parse(line, self.limits)
            if type_of(tree) == "Bundle":
                raise MalformedError("Bundle", IssueCode.NOT_SUPPORTED, "a line holds one resource, no Bundle")
            return Submission(tree["resourceType"], id_of(tree), tree, names, f"line[{number}]")
        except RefusedElementError as refusal:
            return refusal


def _groups(lines: Iterator[tuple[int, bytes | None]]) -> Iterator[list[tuple[int, bytes | None]]]:
    """Yield whole groups; what was read before the stream broke is a group too, and then the breach is told."""
    group: list[tuple[int, bytes | None]] = []
    size = 0
    broken: BrokenStreamError | None = None
    while True:
        try:
            number, line = next(lines)
        except StopIteration:
            break
        except BrokenStreamError as error:
            broken = error
            break
        group.append((number, line))
        size += len(line or b"")
        if len(group) >= GROUP or size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group
    if broken:
        raise broken


def _lines(pieces: Iterable[bytes], longest: int) -> Iterator[tuple[int, bytes | None]]:
    """Yield number and text of every line that is not blank; None for one longer than ``longest``, never held whole."""
    number, rest, overlong = 1, b"", False
    for piece in pieces:
        *ended, rest = (rest + piece).split(b"\n")
        for line in ended:
            if overlong or len(line) > longest:
                yield number, None
            elif line.strip(_BLANK):
                yield number, line
            number, overlong = number + 1, False
        if len(rest) > longest:
            rest, overlong = b"", True
    if overlong or len(rest) > longest:
        yield number, None
    elif rest.strip(_BLANK):
        yield number, rest
