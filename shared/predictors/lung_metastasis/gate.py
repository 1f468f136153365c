"""Whom the model was made for: the exclusions of paper 002 that a record can show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from shared.domain.facts import Fact, FactName, FactStatus, PatientFacts
from shared.domain.identity import Sex
from shared.domain.prediction import NotAnalysedReason
from shared.domain.study import Study
from shared.predictors.readings import Refusal

_REASONS: Mapping[FactName, tuple[NotAnalysedReason, str]] = {
    FactName.LUNG_METASTASIS: (NotAnalysedReason.ALREADY_METASTATIC, "lung metastasis"),
    FactName.ACTIVE_INFECTION: (NotAnalysedReason.ACTIVE_INFECTION, "active infection"),
    FactName.RHEUMATIC_DISEASE: (NotAnalysedReason.RHEUMATIC_DISEASE, "rheumatic disease"),
}

NO_CANCER = "a primary breast cancer on record"
NO_SEX = "the patient's sex"


@dataclass(frozen=True, slots=True)
class Gate:
    """What the gate found: nothing that excludes; ``missing`` must still be known, ``notes`` could not be."""

    missing: tuple[str, ...]
    notes: tuple[str, ...]


def pass_gate(panel: Study, facts: PatientFacts, days: tuple[date, date]) -> Gate:
    """Refuse whoever the model was not made for.

    An infection or rheumatic disease counts if it began by the last of the ``days`` of the draw and had not ended
    before the first: a later one cannot have changed the values. A lung metastasis known by the last of them excludes;
    a later one is ``overtaken_by``.

    Raises:
        Refusal: Male; lung metastasis, active infection or rheumatic disease on record.
    """
    sex = facts.demographics.sex or panel.demographics.sex
    if sex is Sex.MALE:
        raise Refusal(NotAnalysedReason.NOT_FEMALE, "the model was made for women only; the record says male")
    for fact in facts.named(*_REASONS):
        if _excludes(fact, days):
            reason, what = _REASONS[fact.name]
            suspected = "suspected " if fact.status is FactStatus.PRELIMINARY else ""
            raise Refusal(reason, f"{suspected}{what} is on record since {fact.effective_date.isoformat()}")
    missing = ((NO_CANCER,) if not facts.tumours else ()) + ((NO_SEX,) if sex is not Sex.FEMALE else ())
    return Gate(missing, _notes(facts))


def overtaken_by(facts: PatientFacts, days: tuple[date, date]) -> str:
    """Return what became known after the draw and leaves nothing to predict; empty where nothing did."""
    _, last = days
    for fact in facts.named(FactName.LUNG_METASTASIS):
        if fact.effective_date > last:
            what = "suspected" if fact.status is FactStatus.PRELIMINARY else "known"
            since = fact.effective_date.isoformat()
            return f"lung metastasis is {what} since {since}, after the draw: nothing is left to predict"
    return ""


def _excludes(fact: Fact, days: tuple[date, date]) -> bool:
    first, last = days
    return fact.effective_date <= last and (fact.end_date is None or fact.end_date >= first)


def _notes(facts: PatientFacts) -> tuple[str, ...]:
    """Name what would exclude and cannot be known; the absence of a record proves nothing."""
    unknown = ", ".join(what for _, what in _REASONS.values())
    notes = [f"not on record, which does not prove absence: {unknown}"]
    if len(facts.tumours) > 1:
        notes.append(f"{len(facts.tumours)} primary breast cancers are on record; the paper left out such patients")
    return tuple(notes)
