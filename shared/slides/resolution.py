"""The metadata gate: how many micrometres a pixel of level 0 is wide, or why nobody can say. Never guessed."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.slides import Resolution
from shared.pathology.trouble import SlideTrouble
from shared.slides.port import SlideDescription


@dataclass(frozen=True, slots=True)
class OperatorsValue:
    """What a person says the resolution is, where the file states nothing usable."""

    um: float
    """Micrometres per pixel of level 0."""
    stated_by: str
    """The person's name; without one the value is not taken."""


def gated(
    description: SlideDescription, *, operator: OperatorsValue | None = None, coarsest_um: float = 2.0
) -> Resolution | SlideTrouble:
    """Return the resolution that everything the file states agrees on, or why there is none.

    ``coarsest_um``: a plausible resolution coarser than the model reads is refused as too low.
    """
    raise NotImplementedError
