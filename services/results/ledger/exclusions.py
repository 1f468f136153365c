"""Regions of a slide a pathologist left out: kept with the case, and aggregated again at once without the network.

They hold for exactly these pixels. A slide that was replaced by another scan makes them void, and a person is told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.results.ledger import audit, outcomes
from services.results.ledger.attempts import abandon
from services.results.ledger.cases import Step, advance, change, locked
from services.results.ledger.codec import digest, dump, load
from services.results.ledger.database import writing
from services.results.ledger.findings import Finding
from services.results.ledger.keys import pin_digest
from services.results.ledger.orders import place
from services.results.ledger.policy import Policy
from services.results.ledger.record import tell
from services.results.ledger.requests import once
from shared.domain.case import InferenceState, Pins
from shared.domain.errors import ConflictError, InvalidInputError
from shared.domain.images import Artefact, ArtefactKind
from shared.domain.slides import Exclusion, PinnedSlide, Point, Slide

Outline = tuple[Point, ...]
MOST_REGIONS, MOST_POINTS = 200, 20_000
_ASKABLE = frozenset(
    {InferenceState.PREDICTED, InferenceState.NOT_ANALYSED, InferenceState.QUEUED, InferenceState.RUNNING}
)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What a case leaves out, and what makes the answer without the network."""

    slide_digest: str
    """Of the pixels the regions were drawn on."""
    exclusions: tuple[Exclusion, ...]
    patches: tuple[Artefact, ...] = ()
    """With the overview beside them."""
    judged_by: str = ""
    """``_judged_by`` of the pins the patches were judged with."""


@dataclass(frozen=True, slots=True)
class Exclusions:
    """The ledger's side of ExcludeRegion."""

    engine: sa.Engine
    policy: Policy

    def exclude(
        self, request_id: str, case_id: str, finding_id: str, outlines: tuple[Outline, ...], step: Step
    ) -> InferenceState:
        """Leave regions out of the score, besides those left out before; none: every one of these counts again.

        Raises:
            NotFoundError: If there is no such case.
            ConflictError: If ``finding_id`` is not what is said now, or the case is about no slide that was scored.
            InvalidInputError: If there is no reason, or an outline is none, or lies beside the slide.
        """
        if not step.reason:
            raise InvalidInputError("reason", "one sentence must say why the region is left out")
        _check(outlines)
        with writing(self.engine) as connection:
            state = once(
                connection, request_id, "ExcludeRegion", step.time,
                lambda: self._exclude(connection, case_id, finding_id, outlines, step), actor=step.actor,
                case_id=case_id,
            )  # fmt: skip
        return InferenceState(state)

    def _exclude(
        self, connection: sa.Connection, case_id: str, finding_id: str, outlines: tuple[Outline, ...], step: Step
    ) -> str:
        row = locked(connection, case_id)
        before = outcomes.current(connection, case_id)
        if row.closed or before is None or before.finding_id != finding_id:
            raise ConflictError("another finding speaks by now than the one that was looked at: look again")
        pins = load(row.pins, Pins) if row.pins else None
        if pins is None or pins.slide is None or row.state not in _ASKABLE:
            raise ConflictError("this case holds no slide that was scored: there is nothing to leave a region out of")
        _check_on_slide(outlines, pins.slide.slide)
        held = _changed(held_by(row), before, pins.slide, outlines, step)
        change(connection, case_id, step.time, exclusions=dump(held))
        audit.note(connection, "region.excluded", case_id, time=step.time, actor=step.actor, case_id=case_id,
                   regions=len(outlines), left_out=len(held.exclusions), reason=step.reason)  # fmt: skip
        self._ask(connection, row, _with(pins, pins.slide, held), step)
        return InferenceState.QUEUED.value

    def _ask(self, connection: sa.Connection, row: sa.Row[Any], pins: Pins, step: Step) -> None:
        """Order a run with the new pins at once: no fact has to be asked for."""
        abandon(connection, row.case_id, step.reason, step.time)
        advance(connection, row, InferenceState.COLLECTING, step, told=False)
        revision = row.revision + 1
        advance(
            connection, locked(connection, row.case_id), InferenceState.QUEUED,
            replace(step, reason=f"region left out, revision {revision}: {step.reason}"), pins=dump(pins),
            pin_digest=pin_digest(pins), revision=revision, attempts=0, told=False,
            deadline_time=step.time + self.policy.state_deadline,
        )  # fmt: skip
        place(connection, row.case_id, revision, step.time)


def with_exclusions(connection: sa.Connection, row: sa.Row[Any], pins: Pins, now: datetime) -> Pins:
    """Return the pins with what a person left out; forgotten where the slide is another scan by now."""
    held, slide = held_by(row), pins.slide
    if held is None or slide is None:
        return pins
    if held.slide_digest != slide.slide.digest:
        change(connection, row.case_id, now, exclusions=None)
        if held.exclusions:
            text = "the slide was scanned anew: the regions that a person left out of the score count again"
            tell(connection, "exclusions_void", text, now, case_id=row.case_id)
        return pins
    return _with(pins, slide, held)


def held_by(row: sa.Row[Any]) -> LeftOut | None:
    """Return what the case leaves out; None where nobody ever left anything out."""
    return load(row.exclusions, LeftOut) if row.exclusions else None


def kept_patches(row: sa.Row[Any]) -> set[str]:
    """Return where the patches lie that the case may be answered from again."""
    held = held_by(row)
    return {one.blob_uri for one in held.patches} if held else set()


def _changed(
    held: LeftOut | None, before: Finding, slide: PinnedSlide, outlines: tuple[Outline, ...], step: Step
) -> LeftOut:
    fresh = tuple(Exclusion(outline, step.actor, step.reason, step.time) for outline in outlines)
    known = held if held and held.slide_digest == slide.slide.digest else LeftOut(slide.slide.digest, ())
    kept = (*known.exclusions, *fresh) if fresh else ()
    if len(kept) > MOST_REGIONS:
        raise InvalidInputError("outlines", f"a case leaves out at most {MOST_REGIONS} regions")
    found = before.prediction.artefacts if before.prediction else ()
    if before.pins is not None and any(one.kind is ArtefactKind.PATCHES for one in found):
        return LeftOut(slide.slide.digest, kept, found, _judged_by(before.pins))
    return replace(known, exclusions=kept)


def _with(pins: Pins, slide: PinnedSlide, held: LeftOut) -> Pins:
    """Return the pins; patches only where network, pixels and grids are those they were judged with."""
    patches = held.patches if held.judged_by == _judged_by(pins) else ()
    return replace(pins, slide=replace(slide, exclusions=held.exclusions, patches=patches))


def _judged_by(pins: Pins) -> str:
    slide = pins.slide
    if slide is None:
        return ""
    pixels = sorted(one.content_digest for one in pins.instances)
    grids = (slide.policy.cropping.value, str(slide.policy.sensitivity))
    return digest(slide.slide.digest, dump(slide.slide.resolution), pins.bundle_digest, *grids, *pixels)


def _check(outlines: tuple[Outline, ...]) -> None:
    for outline in outlines:
        if len({(point.x, point.y) for point in outline}) < 3:
            raise InvalidInputError("outlines", "a region is a polygon of three different points or more")
    if len(outlines) > MOST_REGIONS or sum(len(one) for one in outlines) > MOST_POINTS:
        raise InvalidInputError("outlines", f"at most {MOST_REGIONS} regions of {MOST_POINTS} points together")


def _check_on_slide(outlines: tuple[Outline, ...], slide: Slide) -> None:
    """Refuse what lies beside the slide: it was drawn in other pixels, and would leave nothing out unnoticed."""
    for outline in outlines:
        across, down = [point.x for point in outline], [point.y for point in outline]
        if min(across) >= slide.width or min(down) >= slide.height or max(across) <= 0 or max(down) <= 0:
            size = f"{slide.width} x {slide.height}"
            raise InvalidInputError("outlines", f"a region lies beside the slide, whose level 0 has {size} pixels")
