"""A finding as DiagnosticReport (FHIR R4): the conclusion in words, the Observations, and the page a person opens.

It has no ``conclusionCode``: the code of the event would read as a diagnosis, not as its probability. R4 gives it no
device either; who answered stands in the Provenance.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.results.deliver.formats.chart import Chart
from services.results.deliver.formats.fhir_assessment import imaging_study
from services.results.deliver.formats.fhir_parts import identifiers, meta, rationale, sentences, status
from services.results.deliver.formats.fhir_slide import specimens
from services.results.deliver.formats.style import Style
from services.results.deliver.formats.wording import about_slide
from services.results.ledger.findings import Finding
from shared.codes import local, loinc, terminology
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
        category=[_category(finding)],
        code=concept(about.display, about, *(() if not about_slide(finding) else (loinc.PATHOLOGY_SYNOPTIC_REPORT,))),
        subject=chart.patient,
        effectiveDateTime=instant(finding.created_time),
        issued=instant(finding.created_time),
        specimen=specimens(finding),
        result=[reference(literal) for literal in results],
        imagingStudy=imaging_study(finding),
        conclusion=conclusion(finding, style),
        presentedForm=[attachment(page, PDF, about.display, finding.created_time)],
    )


def _category(finding: Finding) -> Json:
    section = terminology.SURGICAL_PATHOLOGY if about_slide(finding) else terminology.OTHER_REPORT
    return concept(section.display, section)


def conclusion(finding: Finding, style: Style) -> str:
    """Return the result in words, one sentence a line."""
    return "\n".join(line for line in (*sentences(finding, style), rationale(finding)) if line)
