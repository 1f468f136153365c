"""One family of errors. Permanent and temporary are different classes, because a retry helps only the second.

OncoRelayError
├── PermanentError          retrying the same request cannot help
│   ├── InvalidInputError   the caller sent something that cannot be right; names the element
│   ├── NotFoundError       the named thing does not exist
│   ├── ConflictError       the request contradicts what is already recorded
│   │   └── StaleAttemptError   the answer comes from an attempt that no longer holds the lease
│   └── ForbiddenError      the caller may not do this
│       └── UnauthenticatedError    the caller has not proved who it is
└── TemporaryError          the same request may succeed later
    ├── UnavailableError    a peer or a store cannot be reached
    └── OutOfResourcesError disk, memory or queue below its watermark
"""

from __future__ import annotations

import traceback


def place(error: BaseException) -> str:
    """Return where ``error`` was raised (``file:line``), without its text, which may quote what it choked on."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


class OncoRelayError(Exception):
    """Base of every error this project raises on purpose."""


class PermanentError(OncoRelayError):
    """Retrying the same request cannot help."""


class TemporaryError(OncoRelayError):
    """The same request may succeed later."""


class InvalidInputError(PermanentError):
    """The caller sent something that cannot be right.

    ``element`` names the place (a FHIRPath, a DICOM keyword, a field), ``reason`` says why in one sentence.
    """

    def __init__(self, element: str, reason: str) -> None:
        super().__init__(element, reason)
        self.element = element
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.element}: {self.reason}"


class NotFoundError(PermanentError):
    """The named thing does not exist."""

    def __init__(self, kind: str, identifier: str) -> None:
        super().__init__(kind, identifier)
        self.kind = kind
        self.identifier = identifier

    def __str__(self) -> str:
        return f"no {self.kind} {self.identifier}"


class ConflictError(PermanentError):
    """The request contradicts what is already recorded."""


class StaleAttemptError(ConflictError):
    """The answer comes from an attempt that no longer holds the lease; it must be thrown away."""

    def __init__(self, case_id: str, attempt: int) -> None:
        super().__init__(case_id, attempt)
        self.case_id = case_id
        self.attempt = attempt

    def __str__(self) -> str:
        return f"attempt {self.attempt} of case {self.case_id} is no longer the current one"


class ForbiddenError(PermanentError):
    """The caller may not do this."""


class UnauthenticatedError(ForbiddenError):
    """The caller has not proved who it is."""


class UnavailableError(TemporaryError):
    """A peer or a store cannot be reached right now."""


class OutOfResourcesError(TemporaryError):
    """Disk, memory or queue is below its watermark."""
