"""Why something was not read: the element, a coded kind, a sentence."""

from __future__ import annotations

from enum import StrEnum

from shared.domain.errors import PermanentError


class IssueCode(StrEnum):
    """The part of FHIR's IssueType (http://hl7.org/fhir/issue-type) that we use."""

    STRUCTURE = "structure"
    REQUIRED = "required"
    VALUE = "value"
    CODE_INVALID = "code-invalid"
    NOT_SUPPORTED = "not-supported"
    TOO_LONG = "too-long"
    CONFLICT = "conflict"
    DUPLICATE = "duplicate"
    NOT_FOUND = "not-found"
    LOGIN = "login"
    FORBIDDEN = "forbidden"
    INVALID = "invalid"
    TRANSIENT = "transient"
    NO_STORE = "no-store"
    THROTTLED = "throttled"
    TIMEOUT = "timeout"
    EXCEPTION = "exception"
    INFORMATIONAL = "informational"


class RefusedElementError(PermanentError):
    """One element cannot be used. ``element`` is a FHIRPath; ``reason`` is one sentence without identifying data."""

    def __init__(self, element: str, code: IssueCode, reason: str) -> None:
        super().__init__(element, code, reason)
        self.element = element
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.element}: {self.reason}"


class MalformedError(RefusedElementError):
    """The document itself is wrong, as opposed to what it says."""
