"""Why a message, or one element of it, was not read."""

from __future__ import annotations

from shared.domain.errors import InvalidInputError
from shared.domain.refusals import Cause


class RefusedMessageError(InvalidInputError):
    """``element`` names the place as HL7 does (``OBX[2]-5.1``); ``reason`` is one sentence without any value."""

    def __init__(self, element: str, cause: Cause, reason: str) -> None:
        super().__init__(element, reason)
        self.args = (element, cause, reason)
        self.cause = cause
