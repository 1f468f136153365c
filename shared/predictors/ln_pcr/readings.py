"""Reading one model input out of several facts: what counts, what disagrees, what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

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
    FactName.HER2_INTERPRETATION: "HER2 interpretation",
    FactName.HER2_IHC_SCORE: "HER2 IHC score",
    FactName.HER2_ISH: "HER2 in situ hybridisation",
    FactName.CLINICAL_T: "clinical T",
    FactName.CLINICAL_N: "clinical N",
}
"""How a clinician calls the facts this predictor reads."""


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

    A newer observation replaces an older one and a note says what the older one said.

    Raises:
        Refusal: If two different observations of the newest date disagree: nobody can tell which holds.
    """
    rows = _current_versions(fact for fact in facts if fact.name is name)
    if not rows:
        return Newest(None)
    chosen = rows[-1]
    rivals = [fact for fact in rows if fact.value != chosen.value]
    if any(fact.effective_date == chosen.effective_date for fact in rivals):
        stated = " and ".join(sorted({fact.value for fact in rows if fact.effective_date == chosen.effective_date}))
        raise Refusal(
            NotAnalysedReason.CONTRADICTING_INPUT,
            f"{LABELS[name]} is reported as {stated} on the same day, {chosen.effective_date.isoformat()}",
        )
    return Newest(chosen, _notes(chosen, rivals))


def _current_versions(facts: Iterable[Fact]) -> list[Fact]:
    latest: dict[str, Fact] = {}
    for fact in sorted(facts, key=lambda fact: fact.recorded_time):
        latest[fact.fact_id] = fact
    return sorted(latest.values(), key=lambda fact: (fact.effective_date, fact.recorded_time, fact.fact_id))


def _notes(chosen: Fact, rivals: list[Fact]) -> tuple[str, ...]:
    label = LABELS[chosen.name]
    notes = [f"{label} is preliminary"] if chosen.status is FactStatus.PRELIMINARY else []
    if rivals:
        older = rivals[-1]
        notes.append(
            f"{label} was {older.value} on {older.effective_date.isoformat()}; the newer {chosen.value} is used"
        )
    return tuple(notes)
