"""From values of inputs to the model's columns."""

from __future__ import annotations

import math

from shared.domain.errors import InvalidInputError
from shared.predictors.hazards.model import Column, Hazards, Values


def columns(hazards: Hazards, values: Values) -> dict[str, float]:
    """Return every column by its feature name, not centred: what the graph takes.

    Raises:
        InvalidInputError: If a value is missing, or is text where a number is needed.
    """
    return {one.feature: column_value(one, values) for one in hazards.columns}


def column_value(column: Column, values: Values) -> float:
    """Return one column for this row, not centred.

    Raises:
        InvalidInputError: If its input is missing, or is text where a number is needed.
    """
    if column.input not in values:
        raise InvalidInputError(column.input, "is missing")
    value = values[column.input]
    if column.transform == "indicator":
        return float(value == column.level)
    if isinstance(value, str):
        raise InvalidInputError(column.input, "must be a number")
    return math.log1p(value) if column.transform == "log1p" else float(value)
