"""Record orders: versions, withdrawals, and the slides they concern."""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from services.slide_ingestion.handlers.judging import JudgeSlides
from services.slide_ingestion.handlers.whose import MANIFEST, glass_of
from services.slide_ingestion.ports.slides import SlideRow
from services.slide_ingestion.ports.store import Store, Writing
from shared.domain.errors import InvalidInputError
from shared.domain.slide_orders import OrderStatus, SlideOrder
from shared.domain.slide_registry import SlideState

log = structlog.get_logger("oncorelay.slide_ingestion")

_LONGEST = 256


@dataclass(frozen=True, slots=True)
class RecordOrder:
    """Records a version of an order once; an older one than is on record changes nothing."""

    store: Store
    judge: JudgeSlides

    def __call__(self, order: SlideOrder) -> None:
        """Record it, and look at the slides it concerns again.

        Raises:
            InvalidInputError: If it can belong to no slide, or to every one.
            TemporaryError: If the database cannot be reached.
        """
        _check(order)
        with self.store.writing() as writing:
            known = writing.order(order.order_id)
            if known is not None and (known.version == order.version or known.recorded_time > order.recorded_time):
                return
            order = _completed(order, known)
            touched = {*(writing.touched_by(known) if known else ()), *writing.touched_by(order)}
            writing.keep_order(order)
            self._compare_barcodes(writing, order, touched)
            self.judge(writing, sorted(touched))
        log.info("order_recorded", source=order.source.split(" ")[0], status=order.status.value, slides=len(touched))

    def _compare_barcodes(self, writing: Writing, order: SlideOrder, touched: set[str]) -> None:
        """Have the labels compared: of slides without an order, and of those that have this one."""
        if not order.container or order.status is OrderStatus.WITHDRAWN:
            return
        mine = [row for one in sorted(touched) if (row := writing.slide(one)) and row.compared != order.container]
        for row in (*writing.without_order(), *mine):
            if row.description and row.description.associated and row.digest and not row.gone:
                writing.keep(_to_compare(row, writing))


def _to_compare(row: SlideRow, writing: Writing) -> SlideRow:
    reason = "its barcode is compared with an order"
    return replace(row, state=SlideState.CHECKING, reason=reason, state_time=writing.now)


def _completed(order: SlideOrder, known: SlideOrder | None) -> SlideOrder:
    """A withdrawal need not repeat what it withdraws."""
    if known is None or order.status is not OrderStatus.WITHDRAWN or order.container or glass_of(order.specimen):
        return order
    return replace(known, version=order.version, status=order.status, reason=order.reason,
                   recorded_time=order.recorded_time)  # fmt: skip


def _check(order: SlideOrder) -> None:
    if not order.order_id or not order.version:
        raise InvalidInputError("order", "needs an id and a version")
    if order.source == MANIFEST or order.order_id.startswith(f"{MANIFEST}:"):
        raise InvalidInputError("order.source", "manifests stand beside their slide")
    if order.recorded_time.tzinfo is None:
        raise InvalidInputError("order.recorded_time", "a time needs its zone")
    words = (order.order_id, order.version, order.source, order.container, *_specimen(order), order.stain, order.tissue,
             order.reason, order.placer, *order.placer_authority)  # fmt: skip
    if any(len(word) > _LONGEST for word in words):
        raise InvalidInputError("order", f"a text is longer than {_LONGEST} characters")
    active = order.status is OrderStatus.ACTIVE
    if active and not (order.container or glass_of(order.specimen)):
        raise InvalidInputError("order", "names no glass: a container, or accession and slide, are needed")
    if active and not order.specimen.accession:
        raise InvalidInputError("order.specimen.accession", "is missing")


def _specimen(order: SlideOrder) -> tuple[str, ...]:
    named = order.specimen
    return named.accession, named.specimen, named.block, named.slide
