"""Slides this service was not allowed to read: looked into as soon as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from services.slide_ingestion.ports.doors import Door
from services.slide_ingestion.ports.slides import SlideRow
from services.slide_ingestion.ports.store import Store
from shared.domain.errors import TemporaryError
from shared.domain.slide_registry import SlideState

_READABLE = "it may be read now, and is looked into"


@dataclass(frozen=True, slots=True)
class TryClosed:
    """Tries each once per call; who calls decides how often.

    A file whose own mode or owner changed is noticed by its time of change as well; a right that was given elsewhere (a
    group, a share's server, a bucket's policy) only here.
    """

    store: Store
    doors: Mapping[str, Door]

    def __call__(self) -> None:
        """Try.

        Raises:
            TemporaryError: If the database cannot be reached.
        """
        for row in self.store.closed():
            if self._is_readable(row):
                self._look_into(row)

    def _is_readable(self, row: SlideRow) -> bool:
        door = self.doors.get(row.door)
        try:
            return door is not None and door.readable(row.slide_id, row.files)
        except TemporaryError:
            return False

    def _look_into(self, row: SlideRow) -> None:
        with self.store.writing() as writing:
            if writing.slide(row.slide_id) == row:
                writing.keep(replace(row, state=SlideState.CHECKING, reason=_READABLE, state_time=writing.now))
