"""Whose record is whose: chains of merges, the same rule wherever they are kept (HL7 v2 ADT^A40, FHIR Patient.link)."""

from __future__ import annotations

from collections.abc import Callable

from shared.domain.identity import PatientIdentity

MergedInto = Callable[[PatientIdentity], PatientIdentity | None]
"""The identity that one was merged into, in one step; None where she is a patient of her own."""


def chain(identity: PatientIdentity, merged_into: MergedInto) -> tuple[PatientIdentity, ...]:
    """Return the identity, whom it was merged into, and so on; the last one survives.

    Where the merges run in a circle nobody survives: the identity alone, for a guess would show one under another.
    """
    passed = [identity]
    while (following := merged_into(passed[-1])) is not None:
        if following in passed:
            return (identity,)
        passed.append(following)
    return tuple(passed)


def survivor(identity: PatientIdentity, merged_into: MergedInto) -> PatientIdentity:
    """Return the identity that holds now; itself where it was merged into none, or the merges run in a circle."""
    return chain(identity, merged_into)[-1]


def closes_a_circle(ends: PatientIdentity, survives: PatientIdentity, merged_into: MergedInto) -> bool:
    """Tell whether ``survives`` is, over any number of steps, merged into the identity that is to end in it.

    Then ``survives`` must first be made a patient of her own: the newest word on who survives holds.
    """
    return ends in chain(survives, merged_into)
