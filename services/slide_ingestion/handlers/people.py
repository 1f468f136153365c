"""What people ask and say: which slides there are, and what the resolution of one is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from services.slide_ingestion.handlers.cases import Passed
from services.slide_ingestion.handlers.judging import JudgeSlides
from services.slide_ingestion.ports.slides import SlideRow, StatedByPerson
from services.slide_ingestion.ports.store import Store
from shared.domain.errors import InvalidInputError, NotFoundError
from shared.domain.slide_registry import SlideState, SlideSummary
from shared.domain.slides import Resolution, ResolutionSource
from shared.pathology.trouble import SlideProblem
from shared.slides.resolution import COARSEST_UM, FINEST_UM

log = structlog.get_logger("oncorelay.slide_ingestion")

SHORTEST_ID = 8
MOST_AT_ONCE = 1000
_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class ListSlides:
    """Returns slides, newest first."""

    store: Store

    def __call__(self, state: SlideState | None, limit: int) -> tuple[SlideSummary, ...]:
        """Return at most ``limit`` slides; 0: a hundred."""
        rows = self.store.newest(state, min(limit or 100, MOST_AT_ONCE))
        cases = self.store.cases_of([row.uid for row in rows if row.uid])
        return tuple(_summary(row, cases.get(row.uid, ())) for row in rows)


@dataclass(frozen=True, slots=True)
class SetResolution:
    """Records what a person says of a slide's resolution, and looks at the slide again."""

    store: Store
    judge: JudgeSlides

    def __call__(self, slide_id: str, um: float, actor: str, reason: str) -> SlideState:
        """Return where the slide stands now.

        Raises:
            NotFoundError: If no slide, or more than one, has an id that begins so.
            InvalidInputError: If the value is none a scanner can have, actor or reason is missing, or the file itself
                states a resolution that counts.
        """
        if not FINEST_UM <= um <= COARSEST_UM:
            raise InvalidInputError("microns_per_pixel", f"must be {FINEST_UM} to {COARSEST_UM}")
        if not actor.strip() or not 0 < len(reason.strip()) <= _LONGEST_REASON:
            raise InvalidInputError("reason", "who says so, and why, in one sentence?")
        found = self.store.named(slide_id) if len(slide_id) >= SHORTEST_ID else ()
        if len(found) != 1:
            raise NotFoundError("slide", slide_id)
        with self.store.writing() as writing:
            row = writing.slide(found[0].slide_id)
            if row is None:
                raise NotFoundError("slide", slide_id)
            row = replace(row, person=StatedByPerson(um, actor, reason, writing.now))
            _check_needed(row, self.judge.judge.gate(row))
            writing.keep(row)
            self.judge(writing, [row.slide_id])
            now = writing.slide(row.slide_id) or row
        log.info("slide_resolution_stated", slide_id=row.slide_id, actor=actor)
        return now.state


def _check_needed(row: SlideRow, passed: Passed) -> None:
    """What a person says counts only where the file says nothing usable: recorded beside it, it would mislead."""
    if row.description is None:
        return
    low = passed.trouble is not None and passed.trouble.problem is SlideProblem.RESOLUTION_TOO_LOW
    if low or (passed.resolution and passed.resolution.source is not ResolutionSource.OPERATOR):
        raise InvalidInputError("microns_per_pixel", "the file states its resolution itself, and that one counts")


def _summary(row: SlideRow, cases: tuple[str, ...]) -> SlideSummary:
    said = row.description
    return SlideSummary(
        row.slide_id, row.state, row.reason, row.door, said.format if said else "", row.seen_time, row.state_time,
        cases, said.width if said else 0, said.height if said else 0, _resolution(row),
        tuple(one.digest for one in row.files if one.digest),
    )  # fmt: skip


def _resolution(row: SlideRow) -> Resolution | None:
    """Return what is stated first, by a person before the file; the gate judges it, this only shows it."""
    if row.person:
        return Resolution(row.person.um, row.person.um, ResolutionSource.OPERATOR, row.person.actor)
    stated = row.description.stated if row.description else ()
    power = row.description.objective_power if row.description else None
    return next((Resolution(one.x, one.y, one.source, "", power) for one in stated), None)
