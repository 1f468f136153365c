"""Which tumour the question is about: never a guessed side (system rule 4a)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.facts import Fact, PatientFacts, Tumour
from shared.domain.identity import Side
from shared.domain.prediction import NotAnalysedReason
from shared.predictors.ln_pcr.clinical import FACTS
from shared.predictors.readings import LABELS, Refusal

_ONE_SIDE = (Side.LEFT, Side.RIGHT)


@dataclass(frozen=True, slots=True)
class Target:
    """The tumour in question; ``alone`` when the patient has no other, so that unbound facts are about it."""

    tumour: Tumour
    side: Side | None
    alone: bool

    def concerns(self, fact: Fact) -> bool:
        """Tell whether ``fact`` is about this tumour."""
        if fact.tumour is None:
            return self.alone
        return self.alone or _same(fact.tumour, self.tumour)


def target(facts: PatientFacts, image_side: Side | None) -> Target | None:
    """Return the tumour in question, or None where no breast cancer is on record yet.

    Raises:
        Refusal: If the images cannot choose between tumours, or show the other side.
    """
    tumours = _known_tumours(facts)
    if not tumours:
        return None
    if any(tumour.side is Side.BOTH for tumour in tumours):
        raise _ambiguous("a cancer on record is bilateral")
    seen = image_side if image_side in _ONE_SIDE else None
    if len(tumours) == 1:
        return _only(tumours[0], seen)
    return _one_of(tumours, seen)


def refuse_unbound(facts: Iterable[Fact], chosen: Target) -> None:
    """Refuse facts without a tumour where the patient has two and the tumour in question has no fact of that name.

    Raises:
        Refusal: Names the first fact nobody can place.
    """
    rows = [fact for fact in facts if fact.name in FACTS]
    bound = {fact.name for fact in rows if chosen.concerns(fact)}
    for fact in rows:
        if fact.tumour is None and not chosen.alone and fact.name not in bound:
            raise _ambiguous(f"two tumours are on record and {LABELS[fact.name]} names neither side nor tumour")


def _known_tumours(facts: PatientFacts) -> tuple[Tumour, ...]:
    """Return the tumours on record and those only facts speak of; a fact may add the side the record lacks."""
    tumours = list(facts.tumours)
    for stated in [fact.tumour for fact in facts.facts if fact.name in FACTS and fact.tumour]:
        alike = [index for index, known in enumerate(tumours) if _compatible(stated, known)]
        if not alike:
            tumours.append(stated)
        elif len(alike) == 1:
            known = tumours[alike[0]]
            tumours[alike[0]] = Tumour(known.condition or stated.condition, known.side or stated.side)
    return tuple(tumours)


def _only(tumour: Tumour, seen: Side | None) -> Target:
    if tumour.side and seen and tumour.side is not seen:
        raise Refusal(
            NotAnalysedReason.SIDE_CONFLICT,
            f"the images show the {seen.value} breast, the cancer on record is in the {tumour.side.value} breast",
        )
    return Target(tumour, seen or tumour.side, alone=True)


def _one_of(tumours: tuple[Tumour, ...], seen: Side | None) -> Target:
    if seen is None:
        raise _ambiguous("two tumours are on record and the images do not name one side")
    if any(tumour.side is None for tumour in tumours):
        raise _ambiguous("two tumours are on record and the side of one is unknown")
    there = [tumour for tumour in tumours if tumour.side is seen]
    if not there:
        raise Refusal(
            NotAnalysedReason.SIDE_CONFLICT, f"the images show the {seen.value} breast, no cancer on record is there"
        )
    if len(there) > 1:
        raise _ambiguous(f"two tumours are on record in the {seen.value} breast")
    return Target(there[0], seen, alone=False)


def _same(one: Tumour, other: Tumour) -> bool:
    """Tell whether both surely name the same tumour."""
    named = one.condition != "" and one.condition == other.condition
    sided = one.side is not None and one.side is other.side
    return (named or sided) and _compatible(one, other)


def _compatible(one: Tumour, other: Tumour) -> bool:
    """Tell whether both may name the same tumour: nothing they state differs."""
    if one.condition and other.condition and one.condition != other.condition:
        return False
    return one.side is None or other.side is None or one.side is other.side


def _ambiguous(text: str) -> Refusal:
    return Refusal(NotAnalysedReason.AMBIGUOUS_TUMOUR, text)
