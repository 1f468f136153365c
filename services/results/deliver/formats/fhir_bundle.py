"""A finding as one FHIR R4 transaction: what is new, and what is taken back, together or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.results.deliver.formats.chart import Chart
from services.results.deliver.formats.fhir_assessment import risk_assessment
from services.results.deliver.formats.fhir_device import device, device_key, named, provenance
from services.results.deliver.formats.fhir_document import document_reference
from services.results.deliver.formats.fhir_observation import observations
from services.results.deliver.formats.fhir_report import diagnostic_report
from services.results.deliver.formats.fhir_retraction import taken_back
from services.results.deliver.formats.form import EVERYTHING, Chosen, Form, without_risk
from services.results.deliver.formats.style import Style, object_digest
from services.results.deliver.formats.wording import about_panel, about_slide
from services.results.ledger.findings import Finding
from shared.codes import local
from shared.domain.case import FindingKind
from shared.fhir.writing.checks import check_transaction
from shared.fhir.writing.elements import Json, reference
from shared.fhir.writing.transaction import by_token, create_once, replace_read, transaction, urn

KIND = "fhir-transaction"


def to_transaction(
    finding: Finding, chart: Chart, style: Style, chosen: Chosen = EVERYTHING, page: bytes = b""
) -> Json | None:
    """Return the Bundle, what is new in it checked, or None for a withdrawal of what this chart does not hold.

    ``page`` is the PDF of the finding; needed where ``has_page`` says so.

    Raises:
        InvalidInputError: If a resource would not be right; nothing of it may be sent.
    """
    if finding.kind is FindingKind.WITHDRAWN:
        # Not checked: what the server holds is its own, and must not keep us from taking a result back.
        return transaction(_taken_back(finding, chart.earlier)) if chart.earlier else None
    new = _new(finding, chart, style, suited(finding, chosen), page)
    check_transaction(transaction(new))
    return transaction([*new, *_taken_back(finding, chart.earlier)])


def has_page(finding: Finding, chosen: Chosen = EVERYTHING) -> bool:
    """Tell whether this rendering contains the page: everything about a panel, and every form but RiskAssessment."""
    if finding.kind is FindingKind.WITHDRAWN:
        return False
    form = suited(finding, chosen).form
    return form is not Form.RISK_ASSESSMENT or (chosen.report and about_panel(finding))


def suited(finding: Finding, chosen: Chosen) -> Chosen:
    """Return how this finding is written at a server: of a slide nothing is a RiskAssessment.

    Raises:
        PermanentError: If the server takes nothing in which it could be written.
    """
    return without_risk(chosen) if about_slide(finding) else chosen


def in_parts(bundle: Json, largest: int) -> tuple[Json, ...]:
    """Return the Bundle as transactions of at most ``largest`` entries, where what is new stays together, last.

    What there is no room for is taken back before, in the order of the chart: until the new result is there, something
    of the old one is gone already, and never are two current.
    """
    if len(bundle["entry"]) <= largest:
        return (bundle,)
    gone = [row for row in bundle["entry"] if _replaces(row)]
    new = [row for row in bundle["entry"] if not _replaces(row)]
    alone = gone[: len(gone) - max(0, largest - len(new))]
    before = [alone[start : start + largest] for start in range(0, len(alone), largest)]
    return (*(transaction(part) for part in before), transaction([*new, *gone[len(alone) :]]))


def replaced_first(bundle: Json) -> list[Json]:
    """Return the entries, what is taken back before what is new."""
    return sorted(bundle["entry"], key=lambda row: not _replaces(row))


def _replaces(row: Json) -> bool:
    return str(row["request"]["method"]) == "PUT"


def search_of(resource: Json) -> str:
    """Return the search that finds a resource of ours at a server, by the identifier that is its alone."""
    return by_token("identifier", local.IDENTIFIER_SYSTEM, resource["identifier"][0]["value"])


def _taken_back(finding: Finding, earlier: Sequence[Json]) -> list[Json]:
    return [replace_read(taken_back(row, finding)) for row in earlier]


def _new(finding: Finding, chart: Chart, style: Style, chosen: Chosen, page: bytes) -> list[Json]:
    make = _Resources(finding, chart, style, chosen, page)
    said = make.said()
    return [*make.device(), *said, *make.provenance([row["fullUrl"] for row in said])]


@dataclass(frozen=True, slots=True)
class _Resources:
    """The entries of one finding; each is created once, however often it is sent."""

    finding: Finding
    chart: Chart
    style: Style
    chosen: Chosen
    page: bytes

    @property
    def digest(self) -> str:
        return object_digest(self.finding, KIND, self.style)

    @property
    def who(self) -> Json:
        return reference(urn(self.digest, "device")) if self.chosen.device else named(self.finding)

    def said(self) -> list[Json]:
        """Return what a person reads, in the chosen form."""
        if self.chosen.form is Form.DOCUMENT:
            made = document_reference(self.finding, self.chart, self.style, self.digest, self.who, self.page)
            return [_once(urn(self.digest, "document"), made)]
        twins = self._twins()
        reported = [self._report([row["fullUrl"] for row in twins])] if has_page(self.finding, self.chosen) else []
        if self.chosen.form is Form.REPORT:
            return [*twins, *reported]
        return [self._risk(), *twins, *reported]

    def device(self) -> list[Json]:
        if not self.chosen.device:
            return []
        model = by_token("identifier", local.BUNDLE_SYSTEM, device_key(self.finding, self.style))
        return [create_once(urn(self.digest, "device"), device(self.finding, self.style), model)]

    def provenance(self, targets: Sequence[str]) -> list[Json]:
        if not self.chosen.provenance:
            return []
        tagged = by_token("_tag", local.IDENTIFIER_SYSTEM, self.digest)
        made = provenance(self.finding, self.chart, self.style, self.digest, targets, self.who)
        return [create_once(urn(self.digest, "provenance"), made, tagged)]

    def _risk(self) -> Json:
        made = risk_assessment(self.finding, self.chart, self.style, self.digest, self.who)
        return _once(urn(self.digest, "risk-assessment"), made)

    def _twins(self) -> list[Json]:
        made = observations(self.finding, self.chart, self.style, self.digest, self.who)
        # The first has the name it had when there was never more than one.
        names = ["observation", *(f"observation-{number}" for number in range(2, len(made) + 1))]
        return [_once(urn(self.digest, name), row) for name, row in zip(names, made, strict=False)]

    def _report(self, results: Sequence[str]) -> Json:
        made = diagnostic_report(self.finding, self.chart, self.style, self.digest, results, self.page)
        return _once(urn(self.digest, "report"), made)


def _once(full_url: str, resource: Json) -> Json:
    return create_once(full_url, resource, search_of(resource))
