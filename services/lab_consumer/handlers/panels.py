"""From draws to panels: each has one stable id, whatever comes later about its values."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from services.lab_consumer.handlers.draws import Draw, draws
from services.lab_consumer.ports.panels import Measured, Panel
from services.lab_consumer.ports.records import Statement, StatementKind
from services.lab_consumer.ports.store import Writing
from shared.domain import study as domain
from shared.domain.facts import Fact, FactName
from shared.domain.identity import Demographics, PatientIdentity
from shared.domain.study import Completeness, CompletenessEvidence, Study

SENDER = "lab_consumer"
GONE = "the laboratory took back every value of this draw"
Named = Callable[[PatientIdentity, tuple[str, ...], date, int], str]
"""Identity, analytes, first day, ordinal -> UID."""


@dataclass(frozen=True, slots=True)
class PanelRules:
    """What the site and the predictors ask for."""

    groups: tuple[frozenset[FactName], ...]
    """The analytes of each predictor that is asked about laboratory values."""
    span: timedelta
    """Values further apart are not of one draw."""
    oldest: timedelta
    """A draw that is older when it first comes opens nothing: it is history and not a question."""
    opens_with: int
    """How many different analytes a draw must have to open a panel."""
    named: Named

    @property
    def names(self) -> frozenset[str]:
        """Return every analyte."""
        return frozenset(name.value for group in self.groups for name in group)


NO_PANELS = PanelRules((), timedelta(), timedelta(), 1, lambda *_: "")
"""Of a build without a predictor that is asked about laboratory values."""


def panel_names(site_id: str, secret: bytes) -> Named:
    """Return how panels are named: 2.25 and a UUID (PS3.5 B.2) from an HMAC, because who and when can be guessed."""

    def named(identity: PatientIdentity, analytes: tuple[str, ...], first: date, ordinal: int) -> str:
        parts = ["panel", site_id, identity.authority, identity.identifier, list(analytes), first.isoformat(), ordinal]
        digest = hmac.new(secret, json.dumps(parts).encode(), hashlib.sha256).digest()
        return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"

    return named


def study_of(panel: Panel) -> Study:
    """Return a panel as results takes it."""
    detail = f"first value of the draw of {panel.first.isoformat()} received"
    return Study(
        panel.uid, panel.identity, Demographics(), panel.first, "", None, (),
        Completeness(CompletenessEvidence.FIRST_VALUE, detail, panel.opened_time), SENDER,
        panel=domain.Panel(panel.analytes, panel.last, panel.taken_back),
    )  # fmt: skip


def follow(writing: Writing, identity: PatientIdentity, changed: Sequence[Statement], rules: PanelRules) -> None:
    """Open, change and take back a patient's panels after what is known about her changed.

    Of an identity that was merged into another one nothing is done but to forget her values: her panels stay under
    their ids, are seen by the one that survives, and results leads their cases there and back.
    """
    names = rules.names
    mine = [row for row in changed if row.kind is StatementKind.FACT and row.key.rpartition("#")[2] in names]
    if not mine:
        return
    gone = [row.key for row in mine if row.value is None]
    facts = [row.value for row in mine if isinstance(row.value, Fact)]
    measured = [Measured(one.fact_id, one.name.value, one.effective_date) for one in facts]
    values = writing.measure(identity, measured, gone, rules.span)
    if writing.surviving(identity) != identity:
        return
    touched = frozenset({one.fact_id for one in values} | set(gone))
    before = writing.panels(identity)
    for group in rules.groups:
        analytes = tuple(sorted(name.value for name in group))
        rows = [row for row in before if row.analytes == analytes]
        near = [one for one in values if one.name in analytes]
        _Following(writing, identity, analytes, rows, touched, rules)(near)


@dataclass(frozen=True, slots=True)
class _Following:
    """One group of analytes of one patient, as far as ``touched`` (fact ids) goes: other draws stay as they are."""

    writing: Writing
    identity: PatientIdentity
    analytes: tuple[str, ...]
    before: list[Panel]
    touched: frozenset[str]
    rules: PanelRules

    def __call__(self, values: Sequence[Measured]) -> None:
        standing = [row for row in self.before if not row.taken_back and row.facts & self.touched]
        remembered = frozenset[str]().union(*(row.facts for row in standing))
        wanted = lambda run: self._recent(run) or bool(run.facts & remembered)  # noqa: E731
        found = draws(values, set(self.analytes), self.rules.span, wanted)
        kept = dict(_matched(found, standing, self.identity))
        for draw in found:
            row = kept.get(draw) or self._opened(draw, list(kept.values()))
            if row:
                kept[draw] = row
                self._keep(_moved(row, draw))
        held = {row.uid for row in kept.values()}
        for row in standing:
            if row.uid not in held:
                self._keep(replace(row, taken_back=_why(row, values, found)))

    def _recent(self, draw: Draw) -> bool:
        return self.writing.now.date() - draw.last <= self.rules.oldest

    def _opened(self, draw: Draw, taken: list[Panel]) -> Panel | None:
        """Return the panel of a draw that has none: new, or the one of this day that was taken back."""
        if len(draw.analytes) < self.rules.opens_with or not self._recent(draw):
            return None
        uid = next(uid for uid in self._names(draw.first) if uid not in {row.uid for row in taken})
        known = next((row for row in self.before if row.uid == uid), None)
        fresh = Panel(uid, self.identity, self.analytes, draw.first, draw.last, draw.facts, self.writing.now)
        return known or fresh

    def _names(self, first: date) -> Iterator[str]:
        ordinal = 0
        while True:
            yield self.rules.named(self.identity, self.analytes, first, ordinal)
            ordinal += 1

    def _keep(self, row: Panel) -> None:
        """Write what is new; results hears only of what it can see."""
        known = next((one for one in self.before if one.uid == row.uid), None)
        if row != known:
            told = known is not None and study_of(known) == study_of(row)
            self.writing.keep_panel(row, submit=not told)


def _moved(row: Panel, draw: Draw) -> Panel:
    return replace(row, first=draw.first, last=draw.last, facts=draw.facts, taken_back="")


def _matched(
    found: Sequence[Draw], standing: Sequence[Panel], identity: PatientIdentity
) -> Iterator[tuple[Draw, Panel]]:
    """Yield which panel goes on as which draw: the one that shares most values, each once."""
    pairs = [(draw, row, len(draw.facts & row.facts)) for draw in found for row in standing]
    shared = [pair for pair in pairs if pair[2]]
    # Hers before those of a record merged into hers; then the oldest, so that the answer does not depend on chance.
    shared.sort(key=lambda pair: (-pair[2], *_order(pair[1], identity), pair[0].first))
    drawn: set[Draw] = set()
    used: set[str] = set()
    for draw, row, _ in shared:
        if draw not in drawn and row.uid not in used:
            drawn.add(draw)
            used.add(row.uid)
            yield draw, row


def _order(row: Panel, identity: PatientIdentity) -> tuple[bool, datetime, str]:
    return row.identity != identity, row.opened_time, row.uid


def _why(row: Panel, values: Sequence[Measured], found: Sequence[Draw]) -> str:
    if not found or row.facts.isdisjoint(one.fact_id for one in values):
        return GONE
    near = min(found, key=lambda draw: abs(draw.first - row.first))
    return f"its values belong to the draw of {near.first.isoformat()}"
