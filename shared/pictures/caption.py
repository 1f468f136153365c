"""The words around a picture of a prediction: title, bundle, banner, notes."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.prediction import Prediction

_BANNERS = frozenset({"demonstration", "research"})
"""Codes of the flags that stand in a frame above the picture."""


@dataclass(frozen=True, slots=True)
class Caption:
    """The words around a nomogram."""

    title: str
    lines: tuple[str, ...] = ()
    """Below the title, for example the bundle and its version."""
    banner: str = ""
    """Framed, for example that it is a demonstration."""
    notes: tuple[str, ...] = ()
    """Below the picture."""


def caption_of(answer: Prediction, title: str, lines: tuple[str, ...] = ()) -> Caption:
    """Return the words for a prediction: its intended use framed, its other flags and readings as notes."""
    banner = " ".join(flag.text for flag in answer.flags if flag.code in _BANNERS)
    first = next((one.years for one in answer.horizons if one.probability is not None), None)
    within = f" within {first} years" if first else ""
    beside = tuple(
        f"{answer.outcome.display}{within}, {one.label}: {100 * one.probability:.1f} %" for one in answer.alternatives
    )
    flags = tuple(flag.text for flag in answer.flags if flag.code not in _BANNERS)
    bundle = f"{answer.bundle.bundle_id} {answer.bundle.version}, {answer.bundle.intended_use}, {answer.runtime}"
    return Caption(title, (bundle, *lines), banner, (*beside, *flags))
