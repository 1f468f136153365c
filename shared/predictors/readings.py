"""Reading one model input out of several facts: what counts, what disagrees, what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from shared.domain.facts import Fact, FactName, FactStatus
from shared.domain.prediction import NotAnalysedReason


class Refusal(Exception):  # noqa: N818 - a coded answer, not an error
    """The question cannot be answered, because ...; ``assess`` turns it into ``NotAnalysed``."""

    def __init__(self, reason: NotAnalysedReason, text: str) -> None:
        super().__init__(reason, text)
        self.reason = reason
        self.text = text


@dataclass(frozen=True, slots=True)
class Read:
    """One input that could be read."""

    level: str
    facts: tuple[Fact, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """One input that nobody has reported yet; ``what`` names it for a clinician."""

    what: str


Reading = Read | Missing

LABELS = {
    FactName.ESTROGEN_RECEPTOR: "ER",
    FactName.ESTROGEN_RECEPTOR_PERCENT: "ER percentage",
    FactName.PROGESTERONE_RECEPTOR: "PR",
    FactName.PROGESTERONE_RECEPTOR_PERCENT: "PR percentage",
    FactName.HER2_INTERPRETATION: "HER2 interpretation",
    FactName.HER2_IHC_SCORE: "HER2 IHC score",
    FactName.HER2_ISH: "HER2 in situ hybridisation",
    FactName.CLINICAL_T: "clinical T",
    FactName.CLINICAL_N: "clinical N",
    FactName.HSCRP: "hsCRP",
    FactName.IL6: "IL-6",
    FactName.IFN_ALPHA: "IFN-α",
    FactName.TNF_ALPHA: "TNF-α",
    FactName.ENDOCRINE_THERAPY_RECEIVED: "endocrine therapy received",
}
"""How a clinician calls the facts that predictors read."""


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest statement about one thing, and what a reader should know about it."""

    fact: Fact | None
    notes: tuple[str, ...] = ()

    @property
    def value(self) -> str:
        """Return the normalised token; empty where nothing was reported."""
        return self.fact.value if self.fact else ""

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Return the fact, if any."""
        return (self.fact,) if self.fact else ()


def newest(facts: Iterable[Fact], name: FactName) -> Newest:
    """Return the newest statement of ``name``; a later version of the same fact replaces the earlier one.

    A newer observation replaces an older one and a note says what the older one said. Of two of one day the later
    specimen counts, where both say when it was taken.

    Raises:
        Refusal: If two different observations of the newest date disagree: nobody can tell which holds.
    """
    rows = _current_versions(fact for fact in facts if fact.name is name)
    if not rows:
        return Newest(None)
    chosen = rows[-1]
    rivals = [fact for fact in rows if _meaning(fact) != _meaning(chosen)]
    undecided = [fact for fact in rivals if not _earlier(fact, chosen)]
    if undecided:
        stated = " and ".join(sorted({said(fact) for fact in [*undecided, chosen]}))
        raise Refusal(
            NotAnalysedReason.CONTRADICTING_INPUT,
            f"{LABELS[name]} is reported as {stated} on the same day, {chosen.effective_date.isoformat()}",
        )
    return Newest(chosen, _notes(chosen, rivals))


def said(fact: Fact) -> str:
    """Return the value as a person reads it: with comparator and unit; what is a percentage, its label says."""
    unit = "" if fact.unit in ("", "%") else f" {fact.unit}"
    return f"{fact.comparator}{fact.value}{unit}"


def _meaning(fact: Fact) -> tuple[str, str, str | Decimal]:
    if not fact.unit:
        return "", "", fact.value
    try:
        return fact.comparator, fact.unit, Decimal(fact.value)
    except InvalidOperation:
        return fact.comparator, fact.unit, fact.value


def _earlier(fact: Fact, other: Fact) -> bool:
    if fact.effective_date != other.effective_date or not (fact.collected_time and other.collected_time):
        return fact.effective_date < other.effective_date
    return fact.collected_time < other.collected_time


def _current_versions(facts: Iterable[Fact]) -> list[Fact]:
    latest: dict[str, Fact] = {}
    for fact in sorted(facts, key=lambda fact: fact.recorded_time):
        latest[fact.fact_id] = fact
    return sorted(latest.values(), key=_moment)


def _moment(fact: Fact) -> tuple[object, ...]:
    """Order by day, then by when the specimen was taken (a day without it first), then by arrival."""
    taken = fact.collected_time.timestamp() if fact.collected_time else 0.0
    return fact.effective_date, taken, fact.recorded_time, fact.fact_id


def _notes(chosen: Fact, rivals: list[Fact]) -> tuple[str, ...]:
    label = LABELS[chosen.name]
    notes = [f"{label} is preliminary"] if chosen.status is FactStatus.PRELIMINARY else []
    if rivals:
        older = rivals[-1]
        notes.append(
            f"{label} was {said(older)} on {older.effective_date.isoformat()}; the newer {said(chosen)} is used"
        )
    return tuple(notes)
