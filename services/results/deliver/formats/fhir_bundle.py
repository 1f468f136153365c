"""A finding as one FHIR R4 transaction: what is new, and what is taken back, together or not at all."""

from __future__ import annotations

from copy import deepcopy

from services.results.deliver.formats import wording
from services.results.deliver.formats.chart import Chart
from services.results.deliver.formats.fhir_assessment import risk_assessment
from services.results.deliver.formats.fhir_device import device, device_key, provenance
from services.results.deliver.formats.fhir_observation import observation
from services.results.deliver.formats.style import Style, object_digest
from services.results.ledger.findings import Finding
from shared.codes import local
from shared.domain.case import FindingKind
from shared.fhir.writing.checks import check_transaction
from shared.fhir.writing.elements import Json, narrative, notes
from shared.fhir.writing.transaction import by_token, create_once, replace_read, transaction, urn

KIND = "fhir-transaction"
RETRACTED = "entered-in-error"
"""``status`` of what no longer counts (system rule 7)."""


def to_transaction(finding: Finding, chart: Chart, style: Style) -> Json | None:
    """Return the Bundle, what is new in it checked, or None for a withdrawal of what this chart does not hold.

    Raises:
        InvalidInputError: If a resource would not be right; nothing of it may be sent.
    """
    if finding.kind is FindingKind.WITHDRAWN:
        return retraction(finding, chart) if chart.earlier else None
    new = _new(finding, chart, style)
    check_transaction(transaction(new))
    return transaction([*new, *_taken_back(finding, chart)])


def retraction(finding: Finding, chart: Chart) -> Json:
    """Return the Bundle that only takes back what is in the chart.

    It is not checked: what the server holds is its own, and must not keep us from taking a result back.
    """
    return transaction(_taken_back(finding, chart))


def result_search(finding: Finding, style: Style) -> str:
    """Return the search that finds what this finding left at a server."""
    return by_token("identifier", local.IDENTIFIER_SYSTEM, object_digest(finding, KIND, style))


def taken_back(resource: Json, finding: Finding) -> Json:
    """Return ``resource`` as entered in error, saying so wherever a person would read the old number."""
    withdrawn = finding.kind is FindingKind.WITHDRAWN
    reason = wording.withdrawal(finding) if withdrawn else f"Replaced by a later result. Reason: {finding.reason}"
    retracted = deepcopy(resource)
    retracted["status"] = RETRACTED
    retracted["note"] = [*notes([reason]), *resource.get("note", [])]
    retracted["text"] = narrative("Entered in error", [reason])
    return retracted


def _taken_back(finding: Finding, chart: Chart) -> list[Json]:
    return [replace_read(taken_back(row, finding)) for row in chart.earlier]


def _new(finding: Finding, chart: Chart, style: Style) -> list[Json]:
    digest = object_digest(finding, KIND, style)
    who, risk, twin = (urn(digest, name) for name in ("device", "risk-assessment", "observation"))
    mine = by_token("identifier", local.IDENTIFIER_SYSTEM, digest)
    model = by_token("identifier", local.BUNDLE_SYSTEM, device_key(finding, style))
    tagged = by_token("_tag", local.IDENTIFIER_SYSTEM, digest)
    history = provenance(finding, chart, style, digest, (risk, twin), who)
    return [
        create_once(who, device(finding, style), model),
        create_once(risk, risk_assessment(finding, chart, style, digest, who), mine),
        create_once(twin, observation(finding, chart, style, digest, who), mine),
        create_once(urn(digest, "provenance"), history, tagged),
    ]
