"""What is removed by itself, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from services.slide_ingestion.ports.slides import SlideRow
from services.slide_ingestion.ports.store import Store
from shared.domain.slide_registry import SlideState

log = structlog.get_logger("oncorelay.slide_ingestion")

_HOUR_S, _DAY_S = 3600.0, 86400.0
_AT_WORK = (SlideState.ARRIVING, SlideState.CHECKING)


class Cache(Protocol):
    """Slides that were fetched."""

    def held(self) -> Iterator[tuple[str, float]]:
        """Yield the id of each, and for how many seconds it is held."""
        ...

    def remove(self, slide_id: str) -> int:
        """Remove one; return the number of files."""
        ...


class Ageing(Protocol):
    """What the database forgets."""

    def forget(self, keep_days: float) -> int:
        """Forget slides whose file is gone, orders no slide came for, and answers; return how many."""
        ...


@dataclass(frozen=True, slots=True)
class Sweep:
    """Removes what was fetched once results has its answer, and what is too old to matter."""

    store: Store
    cache: Cache
    ageing: Ageing
    answered: Callable[[str], bool]
    """Whether results has answered every case of this study (its UID), and has one."""
    cache_days: float
    cache_after_result_h: float
    keep_days: float

    def __call__(self) -> None:
        """Sweep once.

        Raises:
            TemporaryError: If the database or results cannot be reached.
        """
        for slide_id, age_s in list(self.cache.held()):
            row = self.store.row(slide_id)
            if row is None or ((age_s > self.cache_days * _DAY_S or self._is_done(row, age_s)) and self._noted(row)):
                log.info("slide_uncached", slide_id=slide_id, files=self.cache.remove(slide_id))
        self.ageing.forget(self.keep_days)

    def _is_done(self, row: SlideRow, age_s: float) -> bool:
        if age_s < self.cache_after_result_h * _HOUR_S or not row.uid:
            return False
        return self.answered(row.uid.partition("|")[0])

    def _noted(self, row: SlideRow) -> bool:
        """Note that it must be fetched again, should an order or a person have it looked at again; False: not now."""
        with self.store.writing() as writing:
            now = writing.slide(row.slide_id)
            if now is not None and now.state in _AT_WORK:
                return False
            if now is not None:
                writing.keep(replace(now, uncached=True))
        return True
