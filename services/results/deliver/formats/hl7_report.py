"""A finding about a slide as ORU^R01 (HL7 v2.5.1 7.3.1): the same bytes and the same MSH-10 every time it is sent.

MSH-7 is the time of the result, not of the sending; MSH-10 is derived from the finding, so that a repeat is a repeat.
OBR-25 and OBX-11 (tables 0123, 0085): P; F once a person has vouched for it; C where an earlier result of the case lies
there; X where it is withdrawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.results.deliver.formats.hl7_observations import observations
from services.results.deliver.formats.style import DEVICE_NAME, Style, object_digest
from services.results.ledger.findings import Finding, Predecessor
from shared.codes import loinc
from shared.domain.case import FindingKind, ReviewState
from shared.domain.errors import PermanentError
from shared.domain.identity import Sex
from shared.domain.slides import Slide
from shared.hl7.writing.segments import (
    CHARACTER_SET,
    NOTHING,
    Written,
    coded,
    components,
    header,
    message,
    moment,
    of_components,
    repetitions,
    segment,
    subcomponents,
    text,
)

KIND = "hl7"
PRELIMINARY, FINAL, CORRECTED, WITHDRAWN = "P", "F", "C", "X"
_LONGEST_CONTROL_ID = 20  # MSH-10 is ST of 20 characters (2.15.9.10)
_SEXES = {Sex.FEMALE: "F", Sex.MALE: "M", Sex.OTHER: "O"}
_TISSUE = components("TISS", "Tissue", "HL70487")


@dataclass(frozen=True, slots=True)
class Addressed:
    """Who speaks to whom, in MSH-3 to MSH-6, and MSH-11."""

    sending_application: str = "ONCORELAY"
    sending_facility: str = ""
    receiving_application: str = ""
    receiving_facility: str = ""
    processing_id: str = "P"


def control_id(finding: Finding, style: Style) -> str:
    """Return MSH-10 of the finding's message."""
    return object_digest(finding, KIND, style)[:_LONGEST_CONTROL_ID].upper()


def to_oru(
    finding: Finding, predecessors: Sequence[Predecessor], style: Style, addressed: Addressed, authority: str
) -> bytes:
    """Return the message; ``authority`` is what the site's HL7 messages call the patient's assigning authority.

    Raises:
        PermanentError: If the finding is not about a slide.
    """
    slide = finding.study.slide
    if slide is None:
        raise PermanentError("only findings about slides are written as HL7 v2 messages")
    status = result_status(finding, predecessors)
    said = CORRECTED if status == WITHDRAWN else status
    return message([
        _header(finding, style, addressed), _patient(finding, authority), *_order(finding, slide, status),
        *observations(finding, style, said, replaces=bool(predecessors)), *_specimens(slide),
    ])  # fmt: skip


def result_status(finding: Finding, predecessors: Sequence[Predecessor]) -> str:
    """Return OBR-25.

    A person's verdict on what lies there makes it final; a verdict on something newer than what lies there corrects it.
    """
    if finding.kind is FindingKind.WITHDRAWN:
        return WITHDRAWN
    there = max((row.revision for row in predecessors), default=0)
    if finding.review in {ReviewState.ACCEPTED, ReviewState.OVERRIDDEN}:
        return CORRECTED if 0 < there < finding.revision - 1 else FINAL
    return CORRECTED if there else PRELIMINARY


def _header(finding: Finding, style: Style, to: Addressed) -> str:
    return header({
        3: text(to.sending_application), 4: text(to.sending_facility), 5: text(to.receiving_application),
        6: text(to.receiving_facility), 7: moment(finding.created_time), 9: components("ORU", "R01", "ORU_R01"),
        10: text(control_id(finding, style)), 11: text(to.processing_id), 12: text("2.5.1"), 18: text(CHARACTER_SET),
    })  # fmt: skip


def _patient(finding: Finding, authority: str) -> str:
    """Return PID: the identifier within its authority; the name is not kept, and said to be unspecified (3.4.2.5)."""
    known = finding.demographics
    universal = "." in authority and all(part.isdigit() for part in authority.split("."))
    namespace = subcomponents("", authority, "ISO") if universal else text(authority)
    whose = of_components(text(finding.identity.identifier), NOTHING, NOTHING, namespace, text("MR"))
    fields = {1: text("1"), 3: whose, 5: repetitions(NOTHING, components(*[""] * 6, "U"))}
    if known.birth_date:
        fields[7] = text(known.birth_date.strftime("%Y%m%d"))
    if known.sex:
        fields[8] = text(_SEXES[known.sex])
    return segment("PID", fields)


def _order(finding: Finding, slide: Slide, status: str) -> Iterator[str]:
    placer, filler = components(slide.placer, *slide.placer_authority), components(finding.case_id, DEVICE_NAME)
    yield segment("ORC", {1: text("RE"), 2: placer, 3: filler})
    day = finding.study.study_date
    yield segment("OBR", {
        1: text("1"), 2: placer, 3: filler, 4: coded(loinc.PATHOLOGY_SYNOPTIC_REPORT),
        7: text(day.strftime("%Y%m%d") if day else ""),
        18: text(slide.specimen.accession),  # placer field 1: the accession number (IHE RAD TF-2, table 4.4-6)
        22: moment(finding.created_time), 24: text("SP"), 25: text(status),
    })  # fmt: skip


def _specimens(slide: Slide) -> Iterator[str]:
    """Return one SPM each for the specimen, its block and the glass, each naming what it was taken from (SPM-3)."""
    glass = slide.specimen
    above: list[Written] = []
    rows = [(glass.specimen, ""), (glass.block, ""), (glass.slide, slide.container)]
    for place, (identifier, container) in enumerate((row for row in rows if row[0]), 1):
        fields = {1: text(str(place)), 2: text(identifier), 4: _TISSUE}
        if above:
            fields[3] = repetitions(*above)
        if container:
            fields[27] = text(container)
        yield segment("SPM", fields)
        above.insert(0, text(identifier))
