"""In which FHIR resources a server can hold a result: read from its CapabilityStatement (FHIR R4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from shared.domain.errors import PermanentError


class Form(StrEnum):
    """The resource a person opens; the best one the server takes."""

    RISK_ASSESSMENT = "RiskAssessment"
    """RiskAssessment and Observations; of laboratory values a DiagnosticReport with the page as well."""
    REPORT = "DiagnosticReport"
    """Observations and a DiagnosticReport with the page."""
    DOCUMENT = "DocumentReference"
    """The page and its text alone."""


NEEDED: Mapping[Form, tuple[str, ...]] = {
    Form.RISK_ASSESSMENT: ("RiskAssessment", "Observation"),
    Form.REPORT: ("Observation", "DiagnosticReport"),
    Form.DOCUMENT: ("DocumentReference",),
}
"""What a server must let us create for a form, best form first."""
OUR_KINDS = ("Observation", "DocumentReference", "DiagnosticReport", "RiskAssessment")
"""What is taken back when a result no longer counts; what people open comes last."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """How results are written for one server."""

    form: Form
    device: bool = True
    """It takes the model as Device; else the model is named."""
    provenance: bool = True
    report: bool = True
    """It takes a DiagnosticReport beside the RiskAssessment."""
    transaction: bool = True
    """False: the one DocumentReference is created by itself."""
    known: frozenset[str] = frozenset(OUR_KINDS)
    """Kinds of ours it may hold, and can be searched for."""
    reason: str = ""
    """Why not something better; empty where nothing is missing."""
    no_risk: Form | None = Form.REPORT
    """The form of what is no risk (a slide's level); None where the server takes none of the others."""

    @property
    def sentence(self) -> str:
        """Return what a person reads: the form, and why not a better one."""
        return f"results are written as {self.form}" + (f" ({self.reason})" if self.reason else "")


def without_risk(chosen: Chosen) -> Chosen:
    """Return how a result is written that is no risk: what a slide resembles is a finding, not a forecast.

    Raises:
        PermanentError: If the server takes neither DiagnosticReport with Observation nor DocumentReference.
    """
    if chosen.no_risk is None:
        raise PermanentError(
            "the server offers to create neither DiagnosticReport with Observation nor DocumentReference: a result "
            "about a slide is no RiskAssessment"
        )
    return replace(chosen, form=chosen.no_risk)


EVERYTHING = Chosen(Form.RISK_ASSESSMENT)
"""For a file, which any server may read later."""


def choose(statement: Any) -> Chosen:
    """Return the best form for the server that makes this statement.

    A server that states nothing gets RiskAssessment: silence is no refusal. Resources that belong together are sent in
    a transaction or not at all, so that a server without transactions gets a single DocumentReference.

    Raises:
        PermanentError: If it takes none of the forms.
    """
    rows = _rows(statement)
    if not rows:
        return Chosen(Form.RISK_ASSESSMENT, reason="the server states nothing about what it takes")
    creatable = frozenset(kind for kind, codes in rows.items() if "create" in codes)
    transaction = "transaction" in _system_codes(statement)
    for form, needed in NEEDED.items():
        if creatable.issuperset(needed) and (transaction or form is Form.DOCUMENT):
            return Chosen(
                form, transaction and "Device" in creatable, transaction and "Provenance" in creatable,
                "DiagnosticReport" in creatable, transaction, frozenset(OUR_KINDS) & frozenset(rows),
                _why_not_better(form, creatable, transaction=transaction), _no_risk(creatable, transaction=transaction),
            )  # fmt: skip
    raise PermanentError("the server offers to create none of RiskAssessment, DiagnosticReport and DocumentReference")


def _no_risk(creatable: frozenset[str], *, transaction: bool) -> Form | None:
    fits = (
        one
        for one in (Form.REPORT, Form.DOCUMENT)
        if creatable.issuperset(NEEDED[one]) and (transaction or one is Form.DOCUMENT)
    )
    return next(fits, None)


def _why_not_better(form: Form, creatable: frozenset[str], *, transaction: bool) -> str:
    if form is Form.RISK_ASSESSMENT:
        return ""
    if not transaction:
        return "the server offers no transactions"
    better = [kind for one in NEEDED if one is not form for kind in NEEDED[one]]
    missing = dict.fromkeys(kind for kind in better if kind not in creatable and kind not in NEEDED[form])
    return f"the server does not offer to create {' or '.join(missing)}"


def _rows(statement: Any) -> dict[str, frozenset[str]]:
    """Return resource type -> interactions; a type listed without any is one the server says nothing about."""
    return {
        str(row.get("type", "")): frozenset(_codes(row))
        for rest in _rests(statement)
        for row in _objects(rest.get("resource"))
    }


def _system_codes(statement: Any) -> frozenset[str]:
    return frozenset(code for rest in _rests(statement) for code in _codes(rest))


def _rests(statement: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(statement, dict) and statement.get("resourceType") == "CapabilityStatement":
        yield from (rest for rest in _objects(statement.get("rest")) if rest.get("mode", "server") == "server")


def _codes(row: Mapping[str, Any]) -> Iterator[str]:
    return (str(one.get("code", "")) for one in _objects(row.get("interaction")))


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
