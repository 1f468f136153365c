"""How a jailed task can end badly."""

from __future__ import annotations

from enum import StrEnum

from shared.domain.errors import PermanentError


class JailCode(StrEnum):
    """Why there is no answer; may be logged, counted and told."""

    DIED = "died"
    """The child ended: a crash in native code, or it left by itself."""
    OUT_OF_MEMORY = "out_of_memory"
    """It needed more memory than it may have."""
    TOO_SLOW = "too_slow"
    """It used up its processor time, or did not answer in time."""
    ANSWER_TOO_LARGE = "answer_too_large"
    """The answer is larger than an answer can be."""
    FORBIDDEN = "forbidden"
    """It tried what nobody may in there: to write a file, to reach the network, to start a program."""
    FAILED = "failed"
    """The function raised what it does not declare."""


class JailedError(PermanentError):
    """A task ended without an answer; the same input would end the same way."""

    def __init__(self, code: JailCode, function: str) -> None:
        super().__init__(code, function)
        self.code = code
        self.function = function

    def __str__(self) -> str:
        return f"{self.function}: {self.code.value}"
