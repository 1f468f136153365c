"""Writes of people that are asked again: the same id gets the same answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.slide_ingestion.adapters.store import SqlSlides
from shared.domain.errors import InvalidInputError

_LONGEST = 128


@dataclass(frozen=True, slots=True)
class Requests:
    """Remembers answers beside what they changed."""

    store: SqlSlides

    def once(self, request_id: str, act: Callable[[], str]) -> str:
        """Return the answer to this request; ``act`` may run twice where two come at once, and must bear that.

        Raises:
            InvalidInputError: If the request has no id.
        """
        if not 0 < len(request_id) <= _LONGEST:
            raise InvalidInputError("request_id", f"1 to {_LONGEST} characters are needed")
        with self.store.writing() as writing:
            before = writing.answered(request_id)
        if before is not None:
            return before
        answer = act()
        with self.store.writing() as writing:
            writing.answer(request_id, answer)
        return answer
