"""What a STOW-RS request brings: parts that are read once, in order, as the body comes in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from shared.domain.errors import OncoRelayError
from shared.domain.refusals import Cause


class BrokenBodyError(OncoRelayError):
    """The body ended early, came too slowly, or is not what its Content-Type says: nothing more can be read of it."""

    def __init__(self, cause: Cause, reason: str) -> None:
        super().__init__(cause, reason)
        self.cause = cause
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class Part(Protocol):
    """One part of the body; what is left of it is skipped when the next one is asked for."""

    @property
    def media_type(self) -> str:
        """Content-Type without parameters, in lower case; empty where there is none."""
        ...

    def chunks(self) -> Iterable[bytes | memoryview]:
        """Yield the content as it comes in; may be called once.

        Raises:
            BrokenBodyError: If the body breaks off; nothing of this part may count.
        """
        ...
