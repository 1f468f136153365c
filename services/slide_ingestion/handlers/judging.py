"""Judge a slide again, and those beside it, whenever something that counts has changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from services.slide_ingestion.handlers.cases import taken_back
from services.slide_ingestion.handlers.verdict import Around, Judge, Verdict
from services.slide_ingestion.handlers.whose import NOTHING_SAID, Claim, names_of, of_file
from services.slide_ingestion.ports.slides import SlideRow
from services.slide_ingestion.ports.store import Writing
from shared.domain.slide_orders import SlideOrder
from shared.domain.slide_registry import SlideState
from shared.domain.study import Study

log = structlog.get_logger("oncorelay.slide_ingestion")


@dataclass(frozen=True, slots=True)
class JudgeSlides:
    """Judges within the caller's transaction."""

    judge: Judge
    new_request_id: Callable[[], str]

    def __call__(self, writing: Writing, slide_ids: Sequence[str]) -> None:
        """Judge these slides, and each slide once that the change concerns."""
        waiting, done = list(dict.fromkeys(slide_ids)), set[str]()
        while waiting:
            slide_id = waiting.pop(0)
            row = writing.slide(slide_id)
            if row is None or slide_id in done or (not row.digest and not row.trouble):
                continue
            done.add(slide_id)
            beside = {one.slide_id for one in self._beside(writing, row, row.glass)}
            fresh = self._judged(writing, row)
            beside |= {one.slide_id for one in self._beside(writing, fresh, fresh.glass)}
            if _counts(row) != _counts(fresh):
                waiting += sorted(beside - done)

    def _judged(self, writing: Writing, row: SlideRow) -> SlideRow:
        orders = self._orders(writing, row)
        claim, _ = self.judge.claim_of(row, orders)
        beside = self._beside(writing, row, claim.glass)
        twins = [one for one in beside if row.digest and one.digest == row.digest and not one.gone]
        rivals = [one for one in beside if claim.glass and one.glass == claim.glass and not one.gone]
        verdict = self.judge(row, Around(orders, twins, [one for one in rivals if one.digest != row.digest]))
        self._tell(writing, row, verdict)
        fresh = replace(
            row, state=verdict.state, reason=verdict.reason, glass=_glass(verdict, claim), uid=_uid(row, verdict),
            order_id=verdict.order_id, told=f"{verdict.notice} {verdict.reason}" if verdict.notice else "",
            state_time=row.state_time if row.state is verdict.state else writing.now,
        )  # fmt: skip
        writing.keep(fresh)
        log.info("slide_judged", slide_id=row.slide_id, state=fresh.state.value, had_state=row.state.value)
        return fresh

    def _orders(self, writing: Writing, row: SlideRow) -> tuple[SlideOrder, ...]:
        found = {one.order_id: one for one in writing.orders_for(tuple(dict.fromkeys(names_of(row))))}
        for known in filter(None, (row.barcode_order,)):
            order = writing.order(known)
            if order:
                found[known] = order
        return tuple(found.values())

    def _beside(self, writing: Writing, row: SlideRow, glass: str) -> tuple[SlideRow, ...]:
        found = [*(writing.of_digest(row.digest) if row.digest else ()), *(writing.of_glass(glass) if glass else ())]
        return tuple({one.slide_id: one for one in found if one.slide_id != row.slide_id}.values())

    def _tell(self, writing: Writing, row: SlideRow, verdict: Verdict) -> None:
        """Have results told what changed, and a person where nothing else would reach one."""
        study = verdict.study
        if study is not None:
            if row.uid and row.uid != verdict.key:
                self._take_back(writing, row, "its order names another specimen now")
            self._submit(writing, row, verdict.key, study)
        elif row.uid and verdict.state is SlideState.HELD:
            self._take_back(writing, row, verdict.reason)
        if verdict.notice and f"{verdict.notice} {verdict.reason}" != row.told:
            writing.tell(verdict.notice, f"Slide {row.slide_id[:8]}: {verdict.reason}.")

    def _submit(self, writing: Writing, row: SlideRow, key: str, study: Study) -> None:
        before = writing.submitted(key)
        if before is None or replace(before, completeness=study.completeness) != study:
            writing.submit(key, row.slide_id, study, self.new_request_id())

    def _take_back(self, writing: Writing, row: SlideRow, reason: str) -> None:
        before = writing.submitted(row.uid)
        if before is not None and before.slide and not before.slide.taken_back:
            writing.submit(row.uid, row.slide_id, taken_back(before, reason), self.new_request_id())


def _glass(verdict: Verdict, claim: Claim) -> str:
    return (verdict.claim if verdict.claim != NOTHING_SAID else claim).glass


def _uid(row: SlideRow, verdict: Verdict) -> str:
    return verdict.key if verdict.study else row.uid


def _counts(row: SlideRow) -> tuple[object, ...]:
    """Return what of a slide its neighbours' verdicts rest on."""
    return row.glass, row.digest, row.gone, row.state, bool(of_file(row).glass)
