"""Whether the variants of a predictor contradict each other by more than the leading one's uncertainty."""

from __future__ import annotations

from collections.abc import Sequence

from shared.domain.prediction import VariantAnswer

STATED_DIFFERENCE = 0.2
"""Where the leading answer has no interval: a larger difference of probabilities is said. Ours, no published figure."""


def disagreements(variants: Sequence[VariantAnswer], leading: str) -> tuple[str, ...]:
    """Return, in words, every variant whose probability lies outside the leading one's interval, or far from it."""
    lead = next(one for one in variants if one.variant == leading)
    if lead.probability is None:
        return ()
    others = [(one, one.probability) for one in variants if one.variant != leading and one.probability is not None]
    return tuple(text for one, value in others if (text := _text(lead, lead.probability, one.variant, value)))


def _text(lead: VariantAnswer, probability: float, other: str, value: float) -> str:
    if lead.interval is not None:
        low, high = lead.interval
        if low <= value <= high:
            return ""
        return f"{other} says {value:.3f}, outside the interval of {lead.variant} ({low:.3f} to {high:.3f})"
    if abs(value - probability) <= STATED_DIFFERENCE:
        return ""
    return (
        f"{other} says {value:.3f}, {lead.variant} {probability:.3f}: more than {STATED_DIFFERENCE:.2f} apart, "
        "and there is no interval"
    )
