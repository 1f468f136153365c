"""The metadata gate of ``shared.slides`` as this service asks it."""

from __future__ import annotations

from collections.abc import Callable

from services.slide_ingestion.handlers.cases import Passed
from services.slide_ingestion.ports.slides import SlideRow
from shared.pathology.trouble import SlideProblem, SlideTrouble
from shared.slides.resolution import OperatorsValue, gated

_UNREAD = SlideTrouble(SlideProblem.UNREADABLE, "No reader described the slide.")


def gate_of(coarsest_um: float) -> Callable[[SlideRow], Passed]:
    """Return the gate: a resolution everything agrees on, or why there is none."""

    def gate(row: SlideRow) -> Passed:
        if row.description is None:
            return Passed(trouble=_UNREAD)
        person = OperatorsValue(row.person.um, row.person.actor) if row.person else None
        found = gated(row.description, operator=person, coarsest_um=coarsest_um)
        return Passed(trouble=found) if isinstance(found, SlideTrouble) else Passed(resolution=found)

    return gate
