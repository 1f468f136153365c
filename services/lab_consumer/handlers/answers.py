"""What the sender of a resource is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shared.fhir.reading.refusal import IssueCode, RefusedElementError


class Severity(StrEnum):
    """The part of FHIR's IssueSeverity that we use."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Issue:
    """One line of an OperationOutcome."""

    severity: Severity
    code: IssueCode
    element: str
    """FHIRPath; empty where the issue is about the whole resource."""
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One resource's answer: an HTTP status and why."""

    status: int
    source: str
    """``Type/id``; empty where the resource could not be told."""
    issues: tuple[Issue, ...] = ()

    @property
    def refused(self) -> bool:
        """Tell whether the resource was not accepted."""
        return self.status >= 400


def informed(text: str) -> Issue:
    """Return an information."""
    return Issue(Severity.INFORMATION, IssueCode.INFORMATIONAL, "", text)


def warned(error: RefusedElementError) -> Issue:
    """Return a warning: accepted, and a person should look."""
    return Issue(Severity.WARNING, error.code, error.element, error.reason)


def refused(error: RefusedElementError) -> Issue:
    """Return an error."""
    return Issue(Severity.ERROR, error.code, error.element, error.reason)
