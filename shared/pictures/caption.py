"""The words around a picture of a prediction: title, bundle, banner, notes."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.prediction import Prediction

_BANNERS = frozenset({"demonstration", "research"})
"""Codes of the flags that stand in a frame above the picture."""


def percent(risk: float) -> str:
    """Return a risk in percent with one decimal; never 0.0 or 100.0, which no model can say of a person."""
    if risk < 0.0005:
        return "<0.1"
    return ">99.9" if risk >= 0.9995 else f"{100 * risk:.1f}"


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
        f"{answer.outcome.display}{within}, {one.label}: {percent(one.probability)} %" for one in answer.alternatives
    )
    flags = tuple(flag.text for flag in answer.flags if flag.code not in _BANNERS)
    bundle = f"{answer.bundle.bundle_id} {answer.bundle.version}, {answer.bundle.intended_use}, {answer.runtime}"
    return Caption(title, (bundle, *lines), banner, (*beside, *flags))
