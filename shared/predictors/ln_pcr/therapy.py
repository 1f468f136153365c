"""When therapy began, as far as anybody recorded it: images and facts must be older (paper 000, methods)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from shared.domain.facts import UNCLASSIFIED_MEDICATION, UNKNOWN_MEDICATION, Fact, FactName, PatientFacts
from shared.domain.prediction import NotAnalysedReason
from shared.predictors.readings import Refusal


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


_UNREAD = (UNKNOWN_MEDICATION, UNCLASSIFIED_MEDICATION)


def baseline(facts: PatientFacts, study_date: date | None) -> Baseline:
    """Return the time before therapy; surgery is a therapy too.

    A therapy that began on the very day of the images neither proves nor disproves the exclusion; it is answered
    with a note, because a fact that would exclude and is unknown is named, not guessed.

    Medications that cannot be told: one whose Medication is not here and that began before the images may be the
    therapy that excludes, so the question is refused until the Medication comes. One whose code nobody marks as cancer
    therapy is almost always an everyday drug; refusing for it would refuse nearly every patient, so it is counted in a
    note. Only those of before the images (or that day) are counted: later ones cannot exclude, and a note that changes
    with every prescription would make a new result of every prescription.

    Raises:
        Refusal: If the images have no date, or any therapy began before them (names its class and date), or a
            medication did that nobody can read.
    """
    if study_date is None:
        raise Refusal(
            NotAnalysedReason.UNUSABLE_INPUT,
            "the images carry no study date, so nobody can tell whether therapy had begun before them",
        )
    rows = facts.named(FactName.THERAPY)
    first = next((fact for fact in rows if fact.value not in _UNREAD), None)
    _refuse_before(first, rows, study_date)
    return Baseline(first, (*_start_notes(first, study_date), *_unread_notes(rows, study_date)))


def _refuse_before(first: Fact | None, rows: tuple[Fact, ...], study_date: date) -> None:
    if first and first.effective_date < study_date:
        raise Refusal(
            NotAnalysedReason.THERAPY_BEFORE_IMAGES,
            f"{_named(first)} began on {first.effective_date.isoformat()}, before the images of "
            f"{study_date.isoformat()}",
        )
    unread = next((fact for fact in rows if fact.value == UNKNOWN_MEDICATION), None)
    if unread and unread.effective_date < study_date:
        raise Refusal(
            NotAnalysedReason.UNUSABLE_INPUT,
            f"a medication on record could not be read: it began on {unread.effective_date.isoformat()}, before the "
            f"images of {study_date.isoformat()}, and the Medication that names it has not arrived",
        )


def _start_notes(first: Fact | None, study_date: date) -> tuple[str, ...]:
    if first is None:
        return ("start of therapy unknown: no cancer therapy is on record among what could be read",)
    if first.effective_date == study_date:
        return (f"{_named(first)} began on the day of the images; the order on that day is unknown",)
    return ()


def _unread_notes(rows: tuple[Fact, ...], study_date: date) -> tuple[str, ...]:
    unread = [fact for fact in rows if fact.value == UNKNOWN_MEDICATION]
    everyday = [fact for fact in rows if fact.value == UNCLASSIFIED_MEDICATION and fact.effective_date <= study_date]
    notes = []
    if unread:
        count, since = len(unread), unread[0].effective_date.isoformat()
        notes.append(f"medications that could not be read and may be cancer therapy: {count}, from {since} on")
    if everyday:
        count = len(everyday)
        notes.append(f"medications of unknown kind begun by the day of the images, not taken for therapy: {count}")
    return tuple(notes)


def _named(fact: Fact) -> str:
    return f"{fact.value} therapy" if fact.value in ("endocrine", "her2", "other") else fact.value
