"""ER and HER2 as the Clinical variant needs them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from shared.domain.facts import Fact, FactName
from shared.domain.prediction import NotAnalysedReason
from shared.predictors.readings import Missing, Newest, Read, Reading, Refusal, newest

ER_POSITIVE_FROM_PERCENT = Decimal(1)
"""Positive from 1 % of nuclei stained: ASCO/CAP guideline 2020 (Allison et al., J Clin Oncol 38:1346-1366)."""
ER_LOW_POSITIVE_TO_PERCENT = Decimal(10)
"""1 to 10 % is reported as "ER low positive": the same guideline."""

# IHC score -> level, and what a report that also interprets the score may call it (ASCO/CAP 2018 and 2023; "low"
# is IHC 1+, or 2+ without amplification: paper 000 follows the usual definition).
_BY_SCORE = {"0": ("0", {"", "negative"}), "1+": ("low", {"", "negative", "low"}), "3+": ("3", {"", "positive"})}
_BY_ISH = {"negative": ("low", {"", "negative", "low", "equivocal"}), "positive": ("3", {"", "positive", "equivocal"})}
_BY_INTERPRETATION = {"positive": "3", "low": "low", "negative": "negative"}


def read_er(facts: Sequence[Fact]) -> Reading:
    """Return ER positive or negative from presence, percentage, or both.

    Raises:
        Refusal: If it is equivocal, no percentage, or presence and percentage disagree.
    """
    presence = newest(facts, FactName.ESTROGEN_RECEPTOR)
    percent = newest(facts, FactName.ESTROGEN_RECEPTOR_PERCENT)
    if presence.value not in ("", "positive", "negative"):
        raise _unusable(f"ER is {presence.value}")
    stained = _percent(percent.value)
    by_percent = "" if stained is None else _presence(stained)
    if presence.value and by_percent and presence.value != by_percent:
        raise _contradiction(f"ER is reported as {presence.value} and as {percent.value} % of nuclei stained")
    level = presence.value or by_percent
    if not level:
        return Missing("ER")
    return Read(level, presence.facts + percent.facts, presence.notes + percent.notes + _low_positive(stained))


def _presence(stained: Decimal) -> str:
    return "positive" if stained >= ER_POSITIVE_FROM_PERCENT else "negative"


def _percent(value: str) -> Decimal | None:
    if not value:
        return None
    try:
        stained = Decimal(value)
    except InvalidOperation:
        stained = Decimal(-1)
    if not (stained.is_finite() and 0 <= stained <= 100):
        raise _unusable("the ER percentage is not a number from 0 to 100")
    return stained


def _low_positive(stained: Decimal | None) -> tuple[str, ...]:
    if stained is None or not ER_POSITIVE_FROM_PERCENT <= stained <= ER_LOW_POSITIVE_TO_PERCENT:
        return ()
    return (f"ER low positive ({stained.normalize():f} % of nuclei)",)


def read_her2(facts: Sequence[Fact]) -> Reading:
    """Return HER2 ``0``, ``low``, ``3`` or (not told apart) ``negative``.

    Raises:
        Refusal: If it is equivocal or indeterminate, or score, hybridisation and interpretation contradict each other.
    """
    score = newest(facts, FactName.HER2_IHC_SCORE)
    ish = newest(facts, FactName.HER2_ISH)
    interpretation = newest(facts, FactName.HER2_INTERPRETATION)
    _refuse_unusable(score, ish)
    level = _from_score(score.value, ish.value, interpretation.value)
    level = level or _from_interpretation(interpretation.value, ish.value)
    if isinstance(level, Missing):
        return level
    read = (score, ish, interpretation)
    return Read(level, sum((one.facts for one in read), ()), sum((one.notes for one in read), ()))


def _refuse_unusable(score: Newest, ish: Newest) -> None:
    if score.value not in ("", "0", "1+", "2+", "3+"):
        raise _unusable(f"the HER2 IHC score is {score.value}")
    if ish.value not in ("", "positive", "negative"):
        raise _unusable(f"HER2 in situ hybridisation is {ish.value}")


def _from_score(score: str, ish: str, interpretation: str) -> str | Missing:
    if not score:
        return ""
    if score == "2+" and not ish:
        return Missing("HER2 in situ hybridisation (IHC is 2+)")
    level, agreeing = _BY_ISH[ish] if score == "2+" else _BY_SCORE[score]
    if interpretation not in agreeing:
        raise _contradiction(f"HER2 is reported as IHC {score}{_with(ish)} and as {interpretation}")
    if ish and score != "2+" and (ish == "positive") != (level == "3"):
        raise _contradiction(f"HER2 is reported as IHC {score} and as {ish} by in situ hybridisation")
    return level


def _with(ish: str) -> str:
    return f" with in situ hybridisation {ish}" if ish else ""


def _from_interpretation(interpretation: str, ish: str) -> str | Missing:
    by_ish = {"positive": "3", "negative": "negative", "": ""}[ish]
    if interpretation in ("", "equivocal") and by_ish:
        return by_ish
    if not interpretation:
        return Missing("HER2")
    if interpretation not in _BY_INTERPRETATION:
        raise _unusable(f"HER2 is {interpretation}")
    level = _BY_INTERPRETATION[interpretation]
    if by_ish and (by_ish == "3") != (level == "3"):
        raise _contradiction(f"HER2 is reported as {interpretation} and as {ish} by in situ hybridisation")
    return level


def _unusable(text: str) -> Refusal:
    return Refusal(NotAnalysedReason.UNUSABLE_INPUT, text)


def _contradiction(text: str) -> Refusal:
    return Refusal(NotAnalysedReason.CONTRADICTING_INPUT, text)
