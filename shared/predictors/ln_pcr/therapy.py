"""When therapy began, as far as anybody recorded it: images and facts must be older (paper 000, methods)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from shared.domain.facts import Fact, FactName, PatientFacts
from shared.domain.prediction import NotAnalysedReason
from shared.predictors.ln_pcr.readings import Refusal


@dataclass(frozen=True, slots=True)
class Baseline:
    """The time before therapy; ``first`` is the earliest therapy on record, at or after the images."""

    first: Fact | None
    notes: tuple[str, ...]

    def usable(self, fact: Fact) -> bool:
        """Tell whether ``fact`` speaks of the untreated tumour (dated at the latest on the day therapy began)."""
        return self.first is None or fact.effective_date <= self.first.effective_date

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Return the fact the baseline rests on."""
        return (self.first,) if self.first else ()


def baseline(facts: PatientFacts, study_date: date | None) -> Baseline:
    """Return the time before therapy; surgery is a therapy too.

    A therapy that began on the very day of the images neither proves nor disproves the exclusion; it is answered
    with a note, because a fact that would exclude and is unknown is named, not guessed.

    Raises:
        Refusal: If the images have no date, or any therapy began before them; names its class and date.
    """
    if study_date is None:
        raise Refusal(
            NotAnalysedReason.UNUSABLE_INPUT,
            "the images carry no study date, so nobody can tell whether therapy had begun before them",
        )
    therapies = facts.named(FactName.THERAPY)
    if not therapies:
        return Baseline(None, ("start of therapy unknown: none is on record",))
    first = therapies[0]
    begun = f"{first.value} therapy" if first.value in ("endocrine", "her2", "other") else first.value
    if first.effective_date < study_date:
        raise Refusal(
            NotAnalysedReason.THERAPY_BEFORE_IMAGES,
            f"{begun} began on {first.effective_date.isoformat()}, before the images of {study_date.isoformat()}",
        )
    if first.effective_date == study_date:
        return Baseline(first, (f"{begun} began on the day of the images; the order on that day is unknown",))
    return Baseline(first, ())
