"""Parts that the resources of one finding share: labels, identifiers, status, notes."""

from __future__ import annotations

from collections.abc import Iterator

from services.results.deliver.formats import horizons, slide_wording, wording
from services.results.deliver.formats.chart import Chart
from services.results.deliver.formats.style import Style
from services.results.ledger.findings import Finding
from shared.codes import hl7_terminology, local, terminology
from shared.domain.case import ReviewState
from shared.domain.prediction import IntendedUse
from shared.fhir.writing.elements import Json, coding, identifier

FINAL = frozenset({"final", "amended", "corrected"})
"""``status`` codes by which a person has vouched for a result (FHIR R4, observation-status)."""


def meta(finding: Finding, style: Style) -> Json:
    """Return the security labels; a refusal also carries its coded reason, so that it can be searched for."""
    labels = [hl7_terminology.AI_ASSERTED]
    if style.intended_use(finding) is IntendedUse.DEMONSTRATION:
        labels.append(terminology.TEST_DATA)
    shown: Json = {"security": [coding(label) for label in labels]}
    if finding.not_analysed:
        shown["tag"] = [coding(local.REASONS[finding.not_analysed.reason])]
    return shown


def revision(case_id: str, number: int) -> str:
    """Return the identifier value (``local.REVISION_SYSTEM``) of one revision of a case."""
    return f"{case_id}.{number}"


def identifiers(finding: Finding, digest: str) -> list[Json]:
    """Return what makes the resource ours: its digest, and its case and revision."""
    return [
        identifier(local.IDENTIFIER_SYSTEM, digest),
        identifier(local.REVISION_SYSTEM, revision(finding.case_id, finding.revision)),
    ]


def status(finding: Finding, chart: Chart) -> str:
    """Return ``preliminary`` until a person vouches for it; then ``final``, ``amended`` where one was final before."""
    if finding.review not in {ReviewState.ACCEPTED, ReviewState.OVERRIDDEN}:
        return "preliminary"
    return "amended" if any(_vouched(row) for row in chart.earlier) else "final"


def _vouched(resource: Json) -> bool:
    """Tell whether a person has vouched for what is in the chart; a DocumentReference says so in ``docStatus``."""
    return resource.get("docStatus" if resource["resourceType"] == "DocumentReference" else "status") in FINAL


def method_text(finding: Finding) -> str:
    """Return predictor, variant and bundle in one line."""
    answer = finding.prediction
    if answer is None:
        return finding.predictor
    bundle = answer.bundle
    return f"{answer.predictor} {answer.variant}, bundle {bundle.bundle_id} {bundle.version} (sha256 {bundle.digest})"


def horizon_digest(digest: str, years: int) -> str:
    """Return the identifier of the companion Observation of one horizon: each is found by itself."""
    return f"{digest}.{years}a"


def sentences(finding: Finding, style: Style) -> Iterator[str]:
    """Return everything that must stand beside the numbers, most important first."""
    yield from wording.use_sentences(finding, style)
    yield wording.refusal(finding)
    if finding.prediction:
        yield from wording.answers(finding.prediction)
        yield from wording.about_images(finding.prediction)
        if finding.prediction.slide:
            yield from slide_wording.basis(finding.prediction.slide)
        yield from wording.flags(finding.prediction.flags)
    yield from slide_wording.slide_lines(finding)
    yield wording.side(finding)
    yield wording.validity(finding, style)
    if finding.revision > 1:
        yield wording.replacement(finding)


def rationale(finding: Finding) -> str:
    """Return the inputs in one line; with a nomogram, the points of each and their total."""
    answer = finding.prediction
    total = f"total {horizons.total(answer):.1f} points" if answer and answer.points else ""
    return "; ".join(line for line in (*wording.input_lines(finding), total) if line)
