"""What can be trained, and what belongs to each: horizons, the action a decision curve is about, groupings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.domain.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Target:
    """One kind of model."""

    name: str
    event: str
    """Code the cohort's outcome must have; empty: any."""
    horizons: tuple[int, ...]
    """Years, nearest first."""
    action: str
    """What would be done for a patient at or above the threshold."""
    inputs: tuple[str, ...] = ()
    """Candidates a predictor of this system can be asked with; empty: no bundle is made of this target."""
    groupings: tuple[str, ...] = ()
    """Categorical candidates with Kaplan-Meier curves of their own."""
    stands_for: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    """(candidate, categorical column, levels): what the model is fitted with instead, as a sensitivity analysis."""


LUNG_METASTASIS = Target(
    "lung_metastasis",
    "lung_metastasis",
    (5, 10),
    "CT of the chest within three months",
    ("endocrine_therapy_received", "hscrp", "il6", "ifn_alpha", "tnf_alpha"),
    ("subtype",),
    # Paper 002, table 1: the row "endocrine therapy" equals the luminal subtypes, cell by cell.
    (("endocrine_therapy_received", "subtype", ("luminal_a", "luminal_b")),),
)
TIME_TO_EVENT = Target("time_to_event", "", (5, 10), "closer follow-up")

TARGETS: Mapping[str, Target] = {one.name: one for one in (LUNG_METASTASIS, TIME_TO_EVENT)}


def target_for(name: str, event: str) -> Target:
    """Return the target ``name`` for a cohort whose outcome is ``event``.

    Raises:
        InvalidInputError: If there is none of that name, or it is about another event.
    """
    if name not in TARGETS:
        raise InvalidInputError("target", f"{name!r} is unknown; known are {', '.join(TARGETS)}")
    target = TARGETS[name]
    if target.event and target.event != event:
        raise InvalidInputError("cohort", f"records {event}, and {name} is about {target.event}")
    return target
