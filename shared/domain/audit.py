"""One row of the audit chain, its hash, its anchors; and who finds what was done to the chain. Pure.

Anyone who holds the rows can check them: nothing here needs the ledger, its secret, or whoever runs it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

GENESIS = "0" * 64
"""``previous`` of row 1."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Something that was done, at its place in the chain. No identifier of a patient stands in it."""

    number: int
    """From 1, without gaps."""
    time: datetime
    actor: str
    act: str
    """For example ``transition.inference``, ``request.SubmitCase``, ``view.case``, ``recall``."""
    subject: str
    case_id: str
    patient: str
    """HMAC (hex) of the patient's identity under the site's secret; empty: about nobody."""
    detail: str
    """JSON object."""
    previous: str
    """Hash of the row before."""
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Anchor:
    """The head of the chain as it was written down elsewhere."""

    number: int
    hash: str
    time: datetime


@dataclass(frozen=True, slots=True)
class AuditFault:
    """Something that was done to the chain behind its back."""

    number: int
    """The row, the first one where there are several; 0: no row."""
    text: str


def row_hash(row: AuditRow) -> str:
    """Return sha256 (hex) over canonical JSON of everything in the row but its own hash."""
    tree = asdict(row) | {"time": row.time.astimezone(UTC).isoformat(timespec="microseconds")}
    del tree["hash"]
    return hashlib.sha256(json.dumps(tree, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def faults(rows: Iterable[AuditRow], anchors: Sequence[Anchor] = ()) -> tuple[AuditFault, ...]:
    """Return what is wrong with the chain, by row: changed, removed, inserted, reordered, cut off, not as anchored."""
    by_number: dict[int, list[Anchor]] = {}
    for anchor in anchors:
        by_number.setdefault(anchor.number, []).append(anchor)
    reading = _Reading(by_number)
    for row in rows:
        reading.take(row)
    found = [*_contradictions(by_number), *reading.found, *reading.moves(), *reading.unanchored()]
    return tuple(sorted(set(found), key=lambda fault: (fault.number, fault.text)))


@dataclass
class _Reading:
    """One pass over the chain in the order of its numbers."""

    anchors: dict[int, list[Anchor]]
    """Every anchor of a number: the first one is not forgotten over a later one."""
    found: list[AuditFault] = field(default_factory=list)
    suspects: list[AuditRow] = field(default_factory=list)
    """Rows whose hash is not theirs: changed, or standing at another number."""
    unlinked: list[tuple[AuditRow, AuditRow]] = field(default_factory=list)
    """Rows in order that do not name the one before them."""
    number_of: dict[str, int] = field(default_factory=dict)
    last: AuditRow | None = None

    def take(self, row: AuditRow) -> None:
        """Look at the next row."""
        number, expected = (self.last.number, self.last.hash) if self.last else (0, GENESIS)
        if row.number > number + 1:
            self.found.append(AuditFault(number + 1, f"{_rows(number + 1, row.number - 1)} removed"))
        elif row.previous != expected and self.last:
            self.unlinked.append((self.last, row))
        elif row.previous != expected:
            self.found.append(AuditFault(1, "row 1 does not begin the chain"))
        if row_hash(row) != row.hash:
            self.suspects.append(row)
        anchor = next((one for one in self.anchors.get(row.number, ()) if one.hash != row.hash), None)
        if anchor:
            text = f"row {row.number} is not the one that was anchored at {anchor.time.isoformat()}"
            self.found.append(AuditFault(row.number, text))
        self.number_of[row.hash] = row.number
        self.last = row

    def moves(self) -> Iterator[AuditFault]:
        """Tell apart what was changed, moved and inserted, now that every hash is known."""
        home = {row.number: self._home(row) for row in self.suspects}
        moved = {number: place for number, place in home.items() if place}
        for number in sorted(set(home) - set(moved)):
            yield AuditFault(number, f"row {number} was changed")
        yield from _shifts(moved)
        strangers = set(moved.values()) - set(home)
        for number in sorted(strangers & set(self.number_of.values())):
            yield AuditFault(number, f"row {number} was inserted")
        touched = set(home) | strangers
        for before, row in self.unlinked:
            if not {before.number, row.number} & touched:
                yield AuditFault(before.number, f"row {before.number} was changed, and its hash made anew")

    def unanchored(self) -> Iterator[AuditFault]:
        """Tell about anchors beyond the end."""
        end = self.last.number if self.last else 0
        beyond = [same[0] for number, same in self.anchors.items() if number > end]
        if beyond:
            last = max(beyond, key=lambda anchor: anchor.number)
            when = last.time.isoformat()
            yield AuditFault(end + 1, f"the tail was cut: {_rows(end + 1, last.number)} there (anchored at {when})")

    def _home(self, row: AuditRow) -> int:
        """Return the number under which the hash of ``row`` is right; 0 where there is none."""
        shifts = {row.number - 1, row.number + 1, self.number_of.get(row.previous, -1) + 1}
        tries = [number for number in shifts if number > 0 and number != row.number]
        return next((number for number in tries if row_hash(replace(row, number=number)) == row.hash), 0)


def _contradictions(anchors: dict[int, list[Anchor]]) -> Iterator[AuditFault]:
    """Tell about numbers that were anchored with more than one hash."""
    for number, same in anchors.items():
        if len({anchor.hash for anchor in same}) > 1:
            times = f"{same[0].time.isoformat()} and {same[-1].time.isoformat()}"
            yield AuditFault(number, f"row {number} was anchored with different hashes ({times}): it was written anew")


def _shifts(moved: dict[int, int]) -> Iterator[AuditFault]:
    """Tell about moved rows, a run of the same shift in one sentence."""
    run: list[int] = []
    for number in [*sorted(moved), 0]:
        same = run and number == run[-1] + 1 and moved[number] - number == moved[run[0]] - run[0]
        if run and not same:
            first, last = run[0], run[-1]
            places = f"{moved[first]}" if first == last else f"{moved[first]} to {moved[last]}"
            yield AuditFault(first, f"{_rows(first, last)} reordered: the right place is {places}")
            run = []
        run.append(number)


def _rows(first: int, last: int) -> str:
    return f"row {first} was" if first == last else f"rows {first} to {last} were"
