"""Why a slide cannot be scored: machine-readable, with a sentence beside it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shared.domain.errors import PermanentError


class SlideProblem(StrEnum):
    """What is wrong with a slide."""

    NOT_A_SLIDE = "not_a_slide"
    ASSOCIATED = "associated"
    """Label, overview or thumbnail in a series of its own: it belongs to a slide and is none."""
    UNREADABLE = "unreadable"
    """No reader opens it, or reading a region of it failed."""
    CRASHED = "crashed"
    """A reader crashed, hung, or took more than a slide may."""
    TOO_LARGE = "too_large"
    CHANGED = "changed"
    """The file was replaced, or written to, while it was read."""
    GONE = "gone"
    RESOLUTION_UNKNOWN = "resolution_unknown"
    RESOLUTION_IMPLAUSIBLE = "resolution_implausible"
    """Out of 0.1 to 2 micrometres, 5 % anisotropic or more, or at odds with objective power or another statement."""
    RESOLUTION_TOO_LOW = "resolution_too_low"
    NO_TISSUE = "no_tissue"
    TOO_LITTLE_TISSUE = "too_little_tissue"


@dataclass(frozen=True, slots=True)
class SlideTrouble:
    """The slide cannot be scored, because ..."""

    problem: SlideProblem
    text: str
    """One sentence a pathologist understands, without identifying data."""
    remedy: str = ""
    """What a person can do; empty where nothing can be done."""


class SlideTroubleError(PermanentError):
    """Raised where trouble is met in the middle of reading; holds what is wrong."""

    def __init__(self, trouble: SlideTrouble) -> None:
        super().__init__(trouble)
        self.trouble = trouble

    def __str__(self) -> str:
        return f"{self.trouble.problem.value}: {self.trouble.text}"
