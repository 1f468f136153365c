"""From text (a level, a number, a limit of detection) to the value that enters the model, or why there is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from shared.domain.errors import InvalidInputError
from shared.predictors.hazards.model import MeasuredRange, ModelInput, input_named

MAX_CHARACTERS = 40
"""A decimal that a laboratory prints is far shorter."""

_NUMBER = re.compile(r"(<=|<|>=|>)?\s*(\d{1,15}(?:\.\d{1,15})?(?:[eE][+-]?\d{1,2})?)", re.ASCII)


class Problem(StrEnum):
    """Why a value does not enter the model."""

    UNREADABLE = "unreadable"
    """It is missing, no number, or none of the levels."""
    CENSORED = "censored"
    """The laboratory gives a limit, and the model was not trained with this limit."""
    OUT_OF_RANGE = "out_of_range"
    """Outside the range the model has seen."""


class ValueRefusedError(InvalidInputError):
    """A value that does not enter the model, with the kind of its problem."""

    def __init__(self, element: str, reason: str, problem: Problem = Problem.UNREADABLE) -> None:
        super().__init__(element, reason)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Measured:
    """A number with the comparator it came with."""

    comparator: str
    """Empty, ``<``, ``<=``, ``>=`` or ``>``."""
    number: Decimal


def measured(name: str, text: str) -> Measured:
    """Return what ``text`` says.

    Raises:
        ValueRefusedError: If it is no decimal, with or without a comparator.
    """
    found = _NUMBER.fullmatch(text.strip()) if len(text) <= MAX_CHARACTERS else None
    if found is None:
        raise ValueRefusedError(name, "must be a number such as 12.5, or a limit such as <2.5")
    return Measured(found[1] or "", Decimal(found[2]))


def model_values(inputs: tuple[ModelInput, ...], stated: Mapping[str, str]) -> dict[str, str | float]:
    """Return what enters the model for every input.

    Raises:
        ValueRefusedError: If one is missing, unknown, unreadable, censored or outside the range the model has seen.
    """
    for name in stated:
        input_named(inputs, name)
    return {one.name: model_value(one, stated.get(one.name, "")) for one in inputs}


def model_value(contract: ModelInput, text: str) -> str | float:
    """Return the level, or the number that enters the model: half the detection limit for what lies below it.

    Raises:
        ValueRefusedError: If it is missing, unreadable, censored or outside the range the model has seen.
    """
    if not text:
        raise ValueRefusedError(contract.name, "is missing")
    if contract.range is None:
        if text not in contract.levels:
            raise ValueRefusedError(contract.name, f"must be one of {', '.join(contract.levels)}; got {text[:40]!r}")
        return text
    return _number(contract.name, measured(contract.name, text), contract.range)


def below_limit(contract: ModelInput, text: str) -> bool:
    """Tell whether ``text``, which the model takes, enters it as half of the limit of detection and not as itself."""
    if contract.range is None or contract.range.detection_limit is None:
        return False
    value = measured(contract.name, text)
    return bool(value.comparator) or value.number < Decimal(repr(contract.range.detection_limit))


def _number(name: str, value: Measured, seen: MeasuredRange) -> float:
    number = float(value.number)
    limit = seen.detection_limit
    if value.comparator in ("<", "<="):
        if limit is not None and number <= limit:
            return limit / 2
        raise ValueRefusedError(name, _censored(value, seen), Problem.CENSORED)
    if limit is not None and number < limit and not value.comparator:
        return limit / 2
    if value.comparator and number <= seen.high:
        raise ValueRefusedError(name, _censored(value, seen), Problem.CENSORED)
    if not seen.low <= number <= seen.high:
        raise ValueRefusedError(name, _outside(value, seen), Problem.OUT_OF_RANGE)
    return number


def _censored(value: Measured, seen: MeasuredRange) -> str:
    rule = (
        f"the model knows {seen.detection_limit:g} {seen.unit} as the only limit"
        if seen.detection_limit is not None
        else "the model was made without such limits"
    )
    return f"is given only as {value.comparator}{value.number} {seen.unit}, and {rule}"


def _outside(value: Measured, seen: MeasuredRange) -> str:
    return (
        f"is {value.comparator}{value.number} {seen.unit}, outside the range the model has seen "
        f"({seen.low:g} to {seen.high:g} {seen.unit})"
    )
