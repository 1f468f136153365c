"""Endocrine therapy received, as a record shows it, and luminal status, which the paper's table shows instead.

Paper 002 (P2-1 to P2-3 of its analysis): the columns of endocrine therapy in its table 1 are swapped, equal the
indicator of luminal subtypes cell by cell, and contradict the rate in its text. Which of the two entered the nomogram
is unknown; so receipt is the input, and the risk under luminal status stands beside it. An order counts as receipt,
which lowers the risk; so the risk without receipt stands beside that one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

from shared.domain.case import Pins
from shared.domain.facts import Fact, FactName, FactStatus, PatientFacts
from shared.domain.prediction import NotAnalysedReason
from shared.predictors.lung_metastasis.panel import ENDOCRINE, LUMINAL
from shared.predictors.readings import Missing, Newest, Read, Reading, Refusal, newest

NOT_RECEIVED = frozenset({"preventive", "planned"})
"""Intents of a therapy that do not count: given to prevent a cancer, or not given yet."""

POSITIVE_FROM_PERCENT = Decimal(1)
"""ER and PR are positive from 1 % of nuclei stained: ASCO/CAP guideline 2020 (J Clin Oncol 38:1346-1366)."""

NO_GROWS_OLD_DAYS = 365
"""A "no" stated longer before the draw is used, and its day is told: much may have been begun since. Ours."""


def read_endocrine(facts: PatientFacts, draw: tuple[date, date], apart_days: int) -> Reading:
    """Return whether endocrine therapy was received by the day of the draw.

    A therapy counts from the day it began; a statement counts if it was made by ``apart_days`` after the draw (later
    ones speak of a later time). The absence of both is not a "no".

    Raises:
        Refusal: If statements of one day disagree, or a "no" contradicts a therapy begun by then.
    """
    _, last = draw
    rows = [fact for fact in facts.named(FactName.THERAPY) if fact.value == "endocrine"]
    given = [fact for fact in rows if fact.intent not in NOT_RECEIVED and fact.effective_date <= last]
    stated = newest(
        [fact for fact in facts.facts if (fact.effective_date - last).days <= apart_days],
        FactName.ENDOCRINE_THERAPY_RECEIVED,
    )
    notes = stated.notes + _not_counted(rows, last)
    if stated.value == "no" and given:
        return _although_denied(stated, given, notes, last)
    if stated.value not in ("", "yes", "no"):
        raise Refusal(NotAnalysedReason.UNUSABLE_INPUT, f"endocrine therapy received is stated as {stated.value}")
    if given or stated.value == "yes":
        given.sort(key=_only_ordered)
        by_order = _ordered(given[0]) if given and not stated.value else ()
        return Read("yes", stated.facts + tuple(given[:1]), notes + by_order)
    if not stated.value:
        return Missing("whether endocrine therapy was received")
    return Read("no", stated.facts, notes + _long_ago(stated, last))


def _although_denied(stated: Newest, given: Sequence[Fact], notes: tuple[str, ...], last: date) -> Reading:
    """A therapy begun after the "no" replaces it; one begun by then contradicts it, unless it was only ordered."""
    denied = stated.facts[0].effective_date
    firm = next((fact for fact in given if not _only_ordered(fact) and fact.effective_date <= denied), None)
    if firm:
        raise Refusal(
            NotAnalysedReason.CONTRADICTING_INPUT,
            f"endocrine therapy is on record from {firm.effective_date.isoformat()} on, and stated as not received on "
            f"{denied.isoformat()}",
        )
    later = sorted((fact for fact in given if fact.effective_date > denied), key=_only_ordered)
    if later:
        return Read("yes", (later[0],), notes + _ordered(later[0]))
    notes = (*notes, "endocrine therapy was ordered and is stated as not received")
    return Read("no", stated.facts, notes + _long_ago(stated, last))


def _long_ago(denial: Newest, last: date) -> tuple[str, ...]:
    days = [fact.effective_date for fact in denial.facts if (last - fact.effective_date).days > NO_GROWS_OLD_DAYS]
    return tuple(
        f"endocrine therapy is stated as not received on {day.isoformat()}, more than {NO_GROWS_OLD_DAYS} days before "
        "the draw"
        for day in days
    )


def _only_ordered(therapy: Fact) -> bool:
    """Tell whether nothing says that it was given: an order that is not fulfilled is a preliminary fact."""
    return therapy.status is FactStatus.PRELIMINARY


def _ordered(therapy: Fact) -> tuple[str, ...]:
    text = "endocrine therapy counts as received by an order; that it was taken is not on record"
    return (text,) if _only_ordered(therapy) else ()


def _not_counted(rows: Sequence[Fact], last: date) -> tuple[str, ...]:
    notes = []
    prevented = [fact for fact in rows if fact.intent in NOT_RECEIVED]
    later = [fact for fact in rows if fact.intent not in NOT_RECEIVED and fact.effective_date > last]
    if prevented:
        notes.append(f"endocrine therapy on record that does not count ({prevented[0].intent}): {len(prevented)}")
    if later:
        notes.append(f"endocrine therapy that began after the draw does not count: {later[0].effective_date}")
    return tuple(notes)


def other_readings(pins: Pins) -> tuple[tuple[str, str], ...]:
    """Return level and label of what else the pinned endocrine therapy may mean: not received, or luminal status."""
    luminal = next((one.value for one in pins.inputs if one.name == LUMINAL), "")
    said = "ER or PR positive" if luminal == "yes" else "ER and PR negative"
    ordered = (("no", "endocrine therapy was only ordered, not received"),) if _rests_on_orders(pins) else ()
    beside = ((luminal, f"{ENDOCRINE}={luminal}, read as luminal status ({said})"),) if luminal else ()
    return ordered + beside


def _rests_on_orders(pins: Pins) -> bool:
    read = {key for one in pins.inputs if one.name == ENDOCRINE for key in one.facts}
    facts = [fact for fact in pins.facts if fact.fact_id in read]
    return bool(facts) and all(fact.name is FactName.THERAPY and _only_ordered(fact) for fact in facts)


def read_luminal(facts: PatientFacts) -> Reading:
    """Return ``yes`` where ER or PR is positive, ``no`` where both are negative; never a refusal: it is no input."""
    read = [
        _receptor(facts.facts, FactName.ESTROGEN_RECEPTOR, FactName.ESTROGEN_RECEPTOR_PERCENT),
        _receptor(facts.facts, FactName.PROGESTERONE_RECEPTOR, FactName.PROGESTERONE_RECEPTOR_PERCENT),
    ]
    levels = {level for level, _ in read}
    if "positive" not in levels and levels != {"negative"}:
        return Missing("luminal status (ER and PR)")
    telling = "positive" if "positive" in levels else "negative"
    rests_on = tuple(fact for level, facts_read in read if level == telling for fact in facts_read)
    return Read("yes" if telling == "positive" else "no", rests_on)


def _receptor(facts: Sequence[Fact], presence: FactName, percent: FactName) -> tuple[str, tuple[Fact, ...]]:
    """Return positive, negative, or an empty text where it is unknown, equivocal or contradictory."""
    try:
        stated, stained = newest(facts, presence), newest(facts, percent)
    except Refusal:
        return "", ()
    levels = {level for level in (stated.value, _by_percent(stained.value)) if level}
    if len(levels) != 1 or not levels <= {"positive", "negative"}:
        return "", ()
    return levels.pop(), stated.facts + stained.facts


def _by_percent(value: str) -> str:
    if not value:
        return ""
    try:
        return "positive" if Decimal(value) >= POSITIVE_FROM_PERCENT else "negative"
    except InvalidOperation:
        return "unreadable"
