"""One draw: which values belong together, how far apart they may be, and how old."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from shared.domain.facts import Fact, PatientFacts
from shared.domain.prediction import NotAnalysedReason
from shared.domain.study import Study
from shared.predictors.lung_metastasis.panel import ANALYTES
from shared.predictors.readings import LABELS, Missing, Newest, Refusal, newest, said


@dataclass(frozen=True, slots=True)
class DrawWindow:
    """The paper does not say how its values were sampled; these limits are ours, and a site may set its own."""

    apart_days: int = 7
    """At most so many days from the first to the last value."""
    oldest_days: int = 30
    """At most so many days from the oldest value to the question."""


@dataclass(frozen=True, slots=True)
class Draw:
    """The values of one draw; those that have not come yet are ``missing``."""

    first: date
    last: date
    values: tuple[tuple[str, Newest], ...]
    """Input name with the newest value within the draw; the fact is None where there is none."""
    elsewhere: tuple[Fact, ...]
    """Newest values of missing analytes outside the draw: not used."""

    @property
    def missing(self) -> tuple[Missing, ...]:
        """Name what has not come yet."""
        return tuple(Missing(LABELS[ANALYTES[name].fact]) for name, found in self.values if found.fact is None)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Return the values that were found."""
        return tuple(found.fact for _, found in self.values if found.fact)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what a reader should know about the values."""
        return sum((found.notes for _, found in self.values), ())

    def days(self) -> tuple[date, date]:
        """Return the days of the first and the last value; those of the panel where there is none."""
        days = [fact.effective_date for fact in self.facts] or [self.first, self.last]
        return min(days), max(days)


def read_draw(panel: Study, facts: PatientFacts) -> Draw:
    """Return the newest value of each analyte within the days of the panel.

    Raises:
        Refusal: If the panel has no date, or two values of one time disagree.
    """
    if panel.study_date is None:
        raise Refusal(NotAnalysedReason.UNUSABLE_INPUT, "nobody says on which day the blood was drawn")
    first = panel.study_date
    last = panel.panel.last_date if panel.panel else first
    inside = [fact for fact in facts.facts if first <= fact.effective_date <= last]
    values = tuple((name, newest(inside, one.fact)) for name, one in ANALYTES.items())
    lacking = {ANALYTES[name].fact for name, found in values if found.fact is None}
    others = {fact.name: fact for fact in facts.named(*lacking)}
    return Draw(first, last, values, tuple(others.values()))


def refuse_unusable(draw: Draw, panel: Study, facts: PatientFacts, window: DrawWindow) -> None:
    """Refuse values in another unit, of more than one draw, or too old.

    Age counts to when the panel's first value reached us: a result does not grow too old by being looked at again.

    Raises:
        Refusal: Names the values, their days and the limit.
    """
    for name, found in draw.values:
        if found.fact and found.fact.unit != ANALYTES[name].unit:
            label, needed = LABELS[found.fact.name], ANALYTES[name].unit
            text = f"{label} is {said(found.fact)}; the model needs {needed}"
            raise Refusal(NotAnalysedReason.UNUSABLE_INPUT, text)
    first, last = draw.days()
    if last - first > timedelta(days=window.apart_days):
        listed = ", ".join(f"{LABELS[fact.name]} {fact.effective_date.isoformat()}" for fact in draw.facts)
        text = f"the values are more than {window.apart_days} days apart, so not of one draw: {listed}"
        raise Refusal(NotAnalysedReason.NOT_ONE_DRAW, text)
    asked = min(facts.as_of, panel.completeness.time).date()
    if draw.facts and asked - first > timedelta(days=window.oldest_days):
        oldest = min(draw.facts, key=lambda fact: fact.effective_date)
        text = (
            f"{LABELS[oldest.name]} of {first.isoformat()} was {(asked - first).days} days old when it reached us; "
            f"at most {window.oldest_days} days are allowed"
        )
        raise Refusal(NotAnalysedReason.NOT_ONE_DRAW, text)
