"""Where a slide stands, given everything that is known about it; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.slide_ingestion.handlers.cases import MakeStudy, Passed, series_of
from services.slide_ingestion.handlers.whose import MANIFEST, NOTHING_SAID, Claim, of_file, of_order, standing, together
from services.slide_ingestion.ports.slides import SlideRow
from shared.domain.slide_orders import SlideOrder
from shared.domain.slide_registry import SlideState
from shared.domain.study import Study
from shared.pathology.trouble import SlideProblem

NO_ORDER = "no order, manifest or DICOM attribute says whose slide this is; it waits for one"
TOO_LITTLE = (
    "its manifest names no glass of a patient of an authority this site knows; it waits for an order, or a manifest "
    "with accession, container or slide number, patient_id and issuer"
)
GONE = "its files are gone"
HELD_KIND, REFUSED_KIND = "slide_held", "slide_refused"
"""Kinds of notices."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where a slide stands, and what follows."""

    state: SlideState
    reason: str
    study: Study | None = None
    """What results shall have; None: nothing (any more)."""
    claim: Claim = NOTHING_SAID
    order_id: str = ""
    key: str = ""
    """Of the submission, where there is a study."""
    notice: str = ""
    """Kind of the notice a person gets; empty: none."""


@dataclass(frozen=True, slots=True)
class Around:
    """What else there is: orders that name the slide, and the slides beside it, itself left out."""

    orders: Sequence[SlideOrder] = ()
    twins: Sequence[SlideRow] = ()
    """With the same content."""
    rivals: Sequence[SlideRow] = ()
    """Pictures of the same glass with other content."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Decides; ``gate`` is the metadata gate."""

    make: MakeStudy
    gate: Callable[[SlideRow], Passed]

    def claim_of(self, row: SlideRow, orders: Sequence[SlideOrder]) -> tuple[Claim, tuple[str, ...]]:
        """Return what is said about the slide, and what is said differently; of what is no slide nothing counts."""
        if _is_beside_a_slide(row):
            return NOTHING_SAID, ()
        active, _ = standing([*orders, *row.stated])
        return together([*map(of_order, active), of_file(row)])

    def __call__(self, row: SlideRow, around: Around) -> Verdict:
        """Return where it stands."""
        if _is_beside_a_slide(row) and row.trouble:
            return Verdict(SlideState.REFUSED, row.trouble.text)
        orders = [*around.orders, *row.stated]
        active, ended = standing(orders)
        claim, torn = self.claim_of(row, around.orders)
        if ended:
            reason = f"its order was withdrawn: {ended.reason or 'no reason was given'}"
            return Verdict(SlideState.HELD, reason, claim=claim, order_id=ended.order_id)
        if row.gone and not row.uid:
            return Verdict(SlideState.REFUSED, GONE)
        order_id = _order_of(active, row, claim)
        held = _held(row, claim, torn)
        if held:
            return Verdict(SlideState.HELD, held, claim=claim, order_id=order_id, notice=HELD_KIND)
        if not order_id or not claim.glass:
            return self._nobodys(row, claim, active)
        return _beside(row, claim, around) or self._case(row, claim, order_id, _order(active, order_id))

    def _nobodys(self, row: SlideRow, claim: Claim, active: Sequence[SlideOrder]) -> Verdict:
        if row.trouble:
            return Verdict(SlideState.REFUSED, row.trouble.text, claim=claim, notice=REFUSED_KIND)
        return Verdict(SlideState.HELD, TOO_LITTLE if active else NO_ORDER, claim=claim)

    def _case(self, row: SlideRow, claim: Claim, order_id: str, order: SlideOrder | None) -> Verdict:
        if row.uncached and not row.gone:
            return Verdict(SlideState.CHECKING, "it is fetched again", None, claim, order_id)
        passed = Passed(trouble=row.trouble) if row.trouble else self.gate(row)
        reason = f"not analysed: {passed.trouble.text}" if passed.trouble else ""
        study = self.make(row, claim, order_id, passed, order)
        key = self.make.key(row, claim)
        return Verdict(SlideState.SUBMITTED, GONE if row.gone else reason, study, claim, order_id, key)


def _is_beside_a_slide(row: SlideRow) -> bool:
    """A label in a series of its own is as it should be: no case, nobody is told, and its glass is the slide's."""
    return row.trouble is not None and row.trouble.problem is SlideProblem.ASSOCIATED


def _order(active: Sequence[SlideOrder], order_id: str) -> SlideOrder | None:
    return next((one for one in active if one.order_id == order_id), None)


def _held(row: SlideRow, claim: Claim, torn: Sequence[str]) -> str:
    """Return why nobody can say whose slide it is although something does."""
    if row.misstated:
        return f"a manifest beside it cannot be read: {row.misstated}"
    if row.header and row.header.conflicts:
        return f"its own DICOM instances disagree on {', '.join(row.header.conflicts)}"
    if torn:
        return f"what is said about it does not agree on: {', '.join(torn)}"
    said = row.description
    if said and said.barcode_agrees is False and row.compared == claim.container:
        return "the barcode on its label is not the container its order names"
    if said and len(said.specimens) > 1 and not any(one.specimen.specimen for one in row.stated) and not claim.specimen:
        return "several specimens are on the glass, and no order says which is meant"
    return ""


def _order_of(active: Sequence[SlideOrder], row: SlideRow, claim: Claim) -> str:
    """Return the id of what orders the slide: an order, or a manifest or DICOM attributes that say as much as one."""
    for one in active:
        if one.source != MANIFEST or (claim.accession and claim.identity):
            return one.order_id
    if row.header is None or not (claim.accession and claim.container):
        return ""
    return f"dicom:{row.header.study_instance_uid}:{series_of(row)}"


def _beside(row: SlideRow, claim: Claim, around: Around) -> Verdict | None:
    """Return how it stands beside slides of the same content or the same glass; None: alone."""
    heirs = [one for one in (*around.twins, *around.rivals) if one.glass == claim.glass]
    if row.gone:
        return Verdict(SlideState.REFUSED, f"{GONE}; {_named(heirs)} has the case", None, claim) if heirs else None
    elsewhere = [one for one in around.twins if one.glass and one.glass != claim.glass]
    if elsewhere and not row.trouble:  # two empty files are no two pictures of one glass
        text = f"the same picture is claimed by another order as well ({_named(elsewhere)})"
        return Verdict(SlideState.HELD, text, None, claim, notice=HELD_KIND)
    rivals = [one for one in around.rivals if one.digest != row.digest]
    if rivals:
        text = f"another picture claims to be of the same glass ({_named(rivals)}); one of them is not"
        return Verdict(SlideState.HELD, text, None, claim, notice=HELD_KIND)
    # One that is held has no case: it waits for an order of its own, or for a person.
    having = [one for one in around.twins if one.glass == claim.glass and one.state is not SlideState.HELD]
    first = min([row, *having], key=lambda one: (one.gone, one.seen_time, one.slide_id))
    if first is not row:
        return Verdict(SlideState.REFUSED, f"the same picture as slide {first.slide_id[:8]}, which has the case", None,
                       claim)  # fmt: skip
    return None


def _named(rows: Sequence[SlideRow]) -> str:
    return ", ".join(f"slide {one.slide_id[:8]}" for one in rows[:3])
