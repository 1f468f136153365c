"""What a model would say to values a person typed: no patient, no case."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.prediction import BundleReference, Flag, HorizonRisk, InputPoints


@dataclass(frozen=True, slots=True)
class ValueRefusal:
    """Why one value does not enter the model."""

    name: str
    """Of the input."""
    reason: str
    """``unreadable``, ``censored`` or ``out_of_range``."""
    text: str
    """One sentence a clinician understands."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Points, total and risks for one row of values; with refusals there are none of them."""

    bundle: BundleReference
    points: tuple[InputPoints, ...] = ()
    total_points: float = 0.0
    horizons: tuple[HorizonRisk, ...] = ()
    flags: tuple[Flag, ...] = ()
    refusals: tuple[ValueRefusal, ...] = ()
