"""A finding as DiagnosticReport (FHIR R4): the conclusion in words, the Observations, and the page a person opens.

It has no ``conclusionCode``: the code of the event would read as a diagnosis, not as its probability. R4 gives it no
device either; who answered stands in the Provenance.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.results.deliver.formats.chart import Chart
from services.results.deliver.formats.fhir_assessment import imaging_study
from services.results.deliver.formats.fhir_parts import identifiers, meta, rationale, sentences, status
from services.results.deliver.formats.style import Style
from services.results.ledger.findings import Finding
from shared.codes import local, terminology
from shared.fhir.writing.elements import Json, attachment, concept, instant, narrative, reference, without_empty

PDF = "application/pdf"


def diagnostic_report(
    finding: Finding, chart: Chart, style: Style, digest: str, results: Sequence[str], page: bytes
) -> Json:
    """Return the DiagnosticReport; ``results`` are the references of the Observations, ``page`` is the PDF."""
    about = local.assessment(finding.predictor)
    said = [line for line in (*sentences(finding, style), rationale(finding)) if line]
    return without_empty(
        resourceType="DiagnosticReport",
        meta=meta(finding, style),
        text=narrative(about.display, said),
        identifier=identifiers(finding, digest),
        status=status(finding, chart),
        category=[concept(terminology.OTHER_REPORT.display, terminology.OTHER_REPORT)],
        code=concept(about.display, about),
        subject=chart.patient,
        effectiveDateTime=instant(finding.created_time),
        issued=instant(finding.created_time),
        result=[reference(literal) for literal in results],
        imagingStudy=imaging_study(finding),
        conclusion=conclusion(finding, style),
        presentedForm=[attachment(page, PDF, about.display, finding.created_time)],
    )


def conclusion(finding: Finding, style: Style) -> str:
    """Return the result in words, one sentence a line."""
    return "\n".join(line for line in (*sentences(finding, style), rationale(finding)) if line)
