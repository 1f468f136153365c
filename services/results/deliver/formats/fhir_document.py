"""A finding as DocumentReference (FHIR R4), for a server that takes nothing else: the page, and its text."""

from __future__ import annotations

from services.results.deliver.formats.chart import Chart, source_references
from services.results.deliver.formats.fhir_assessment import imaging_study
from services.results.deliver.formats.fhir_parts import identifiers, meta, rationale, sentences, status
from services.results.deliver.formats.fhir_report import PDF, conclusion
from services.results.deliver.formats.style import Style
from services.results.deliver.formats.wording import about_slide
from services.results.ledger.findings import Finding
from shared.codes import local, loinc
from shared.fhir.writing.elements import Json, attachment, concept, instant, narrative, without_empty

TEXT = "text/plain; charset=utf-8"


def document_reference(finding: Finding, chart: Chart, style: Style, digest: str, device: Json, page: bytes) -> Json:
    """Return the DocumentReference; ``device`` is the ``Reference`` to the model, ``page`` is the PDF."""
    about = local.assessment(finding.predictor)
    said = [line for line in (*sentences(finding, style), rationale(finding)) if line]
    kind = loinc.PATHOLOGY_SYNOPTIC_REPORT if about_slide(finding) else local.NOMOGRAM_REPORT
    text = conclusion(finding, style).encode()
    return without_empty(
        resourceType="DocumentReference",
        meta=meta(finding, style),
        text=narrative(about.display, said),
        identifier=identifiers(finding, digest),
        status="current",
        docStatus=status(finding, chart),
        type=concept(kind.display, kind, about),
        subject=chart.patient,
        date=instant(finding.created_time),
        author=[device],
        description="; ".join(said[:3]),
        content=[
            {"attachment": attachment(page, PDF, about.display, finding.created_time)},
            {"attachment": attachment(text, TEXT, about.display, finding.created_time)},
        ],
        context={"related": [*source_references(finding, chart), *imaging_study(finding)]},
    )
