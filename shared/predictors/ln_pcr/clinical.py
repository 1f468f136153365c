"""The Clinical variant's inputs and how levels become the model's features (paper 000, table 3)."""

from __future__ import annotations

from collections.abc import Mapping

from shared.domain.errors import InvalidInputError
from shared.domain.facts import FactName

NAME = "ln_pcr"
VARIANT = "clinical"

LEVELS: Mapping[str, tuple[str, ...]] = {
    "er": ("positive", "negative"),
    "her2": ("0", "low", "3", "negative"),
    "t": ("1", "2", "3", "4"),
}
"""Levels per input. The paper has HER2 0, low and 3; ``negative`` (not told apart into 0 and low) is ours."""

FACTS = frozenset(
    {
        FactName.ESTROGEN_RECEPTOR, FactName.ESTROGEN_RECEPTOR_PERCENT, FactName.HER2_INTERPRETATION,
        FactName.HER2_IHC_SCORE, FactName.HER2_ISH, FactName.CLINICAL_T, FactName.CLINICAL_N,
    }
)  # fmt: skip
"""What is read about the tumour."""

HER2_UNSPLIT = "negative"
"""Scored at the reference level (HER2 0), flagged, with the probability under ``low`` beside it."""

FEATURES = ("er_positive", "her2_low", "her2_3", "t_2", "t_3", "t_4")
"""Indicator columns in the graph's order; reference levels: ER negative, HER2 0, T1 (paper 000, table 3)."""


def features(levels: Mapping[str, str]) -> dict[str, float]:
    """Return the indicator columns of one row of levels (0.0 or 1.0)."""
    present = {f"er_{levels['er']}", f"her2_{levels['her2']}", f"t_{levels['t']}"}
    return {name: float(name in present) for name in FEATURES}


def checked(levels: Mapping[str, str]) -> dict[str, str]:
    """Return ``levels`` in the order of ``LEVELS``.

    Raises:
        InvalidInputError: If an input is unknown, missing, or not one of its levels; names what is allowed.
    """
    unknown = sorted(set(levels) - set(LEVELS))
    if unknown:
        raise InvalidInputError(unknown[0], f"is not an input of ln_pcr; its inputs are {', '.join(LEVELS)}")
    for name, allowed in LEVELS.items():
        if levels.get(name) not in allowed:
            stated = f"got {levels[name]!r}" if name in levels else "it is missing"
            raise InvalidInputError(name, f"must be one of {', '.join(allowed)}; {stated}")
    return {name: levels[name] for name in LEVELS}
