"""The two ways to train: as the paper did, and as it should have been done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.model_factory.handlers.cohort.preparing import Preparation
from services.model_factory.handlers.selection.selector import Selector
from services.model_factory.handlers.training.stated import Preset

HELD_OUT_SHARE = 0.3
"""Paper 002: 228 of 326 to learn from, 98 to judge on."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that differs between the presets."""

    preset: Preset
    preparation: Preparation
    selector: Selector
    held_out_share: float
    """0: the model learns from everyone and is judged by cross-validation and bootstrap."""


PRESETS: Mapping[Preset, Recipe] = {
    "paper": Recipe(
        "paper",
        Preparation(logarithms=False, assay_limits=False, unknown="level"),
        Selector("binomial_min", "event"),
        HELD_OUT_SHARE,
    ),
    "corrected": Recipe(
        "corrected",
        Preparation(logarithms=True, assay_limits=True, unknown="missing"),
        Selector("cox_1se", "time_to_event"),
        0.0,
    ),
}
