"""What is removed by itself, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import structlog

from services.slide_ingestion.ports import Store

log = structlog.get_logger("oncorelay.slide_ingestion")

_HOUR_S, _DAY_S = 3600.0, 86400.0


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
            if age_s > self.cache_days * _DAY_S or self._is_done(slide_id, age_s):
                log.info("slide_uncached", slide_id=slide_id, files=self.cache.remove(slide_id))
        self.ageing.forget(self.keep_days)

    def _is_done(self, slide_id: str, age_s: float) -> bool:
        row = self.store.row(slide_id)
        if row is None:
            return True
        if age_s < self.cache_after_result_h * _HOUR_S or not row.uid:
            return False
        return self.answered(row.uid.partition("|")[0])
