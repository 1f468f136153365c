"""From a slide and whose it is to the study results gets."""

from __future__ import annotations

from dataclasses import dataclass, replace

from services.slide_ingestion.handlers.naming import Names
from services.slide_ingestion.handlers.whose import Claim
from services.slide_ingestion.ports.slides import SlideFile, SlideRow
from shared.domain.prediction import NotAnalysedReason
from shared.domain.slide_orders import SlideOrder
from shared.domain.slides import ReadBy, Resolution, Scanner, Slide
from shared.domain.study import MICROSCOPY, Completeness, CompletenessEvidence, Instance, Study
from shared.pathology.trouble import SlideProblem, SlideTrouble

SENDER = "slide_ingestion"
_REASONS = {
    SlideProblem.RESOLUTION_UNKNOWN: NotAnalysedReason.RESOLUTION_UNKNOWN,
    SlideProblem.RESOLUTION_IMPLAUSIBLE: NotAnalysedReason.RESOLUTION_IMPLAUSIBLE,
    SlideProblem.RESOLUTION_TOO_LOW: NotAnalysedReason.RESOLUTION_TOO_LOW,
    SlideProblem.NO_TISSUE: NotAnalysedReason.NO_TISSUE,
    SlideProblem.TOO_LITTLE_TISSUE: NotAnalysedReason.NO_TISSUE,
}
"""Anything else: the slide cannot be read."""


@dataclass(frozen=True, slots=True)
class Passed:
    """What the metadata gate says: a resolution, or trouble."""

    resolution: Resolution | None = None
    trouble: SlideTrouble | None = None


@dataclass(frozen=True, slots=True)
class MakeStudy:
    """Builds studies; the same slide gives the same study."""

    names: Names

    def uid(self, row: SlideRow, claim: Claim) -> str:
        """Return the Study Instance UID: the DICOM study's own, else one of the glass: a new scan of it supersedes."""
        if row.header:
            return row.header.study_instance_uid
        named = claim.named
        return self.names.uid("glass", named.accession, named.specimen, named.block, named.slide, claim.container)

    def key(self, row: SlideRow, claim: Claim) -> str:
        """Return under what results' answer is kept: a DICOM study may hold several slides."""
        return f"{self.uid(row, claim)}|{series_of(row)}" if row.header else self.uid(row, claim)

    def __call__(
        self, row: SlideRow, claim: Claim, order_id: str, passed: Passed, order: SlideOrder | None = None
    ) -> Study:
        """Return the study of a slide that was read, or of which a reader said why it cannot be."""
        uid = self.uid(row, claim)
        header = row.header
        return Study(
            study_instance_uid=uid,
            identity=claim.identity,
            demographics=claim.demographics,
            study_date=header.study_date if header else None,
            body_part="BREAST" if claim.tissue == "breast" else "",
            side=claim.side,
            instances=tuple(self._instance(uid, row, one, claim) for one in row.files),
            completeness=Completeness(CompletenessEvidence.WRITER_FINISHED, row.evidence, row.seen_time),
            sender=header.sender if header else SENDER,
            slide=_placed(_slide(row, claim, order_id, passed), order),
        )

    def _instance(self, uid: str, row: SlideRow, file: SlideFile, claim: Claim) -> Instance:
        whose = claim.identity
        place = str(row.files.index(file))
        identity = self.names.mark(
            "identity", whose.authority if whose else "", whose.identifier if whose else "", *_words(claim)
        )
        return Instance(
            sop_instance_uid=file.sop_instance_uid or self.names.uid("file", uid, row.slide_id, file.digest, place),
            sop_class_uid=file.sop_class_uid,
            series_instance_uid=file.series_instance_uid or self.names.uid("series", uid, row.slide_id, row.digest),
            modality=MICROSCOPY,
            content_digest=file.digest,
            identity_digest=identity,
            blob_uri=file.uri,
        )


def _placed(slide: Slide, order: SlideOrder | None) -> Slide:
    return replace(slide, placer=order.placer, placer_authority=order.placer_authority) if order else slide


def series_of(row: SlideRow) -> str:
    """Return the Series Instance UID of a DICOM slide."""
    return row.files[0].series_instance_uid


def taken_back(study: Study, reason: str) -> Study:
    """Return the study as results hears that there is no such case any more."""
    if study.slide is None:
        return study
    return replace(study, slide=replace(study.slide, taken_back=reason))


def _slide(row: SlideRow, claim: Claim, order_id: str, passed: Passed) -> Slide:
    said = row.description
    trouble = row.trouble or passed.trouble
    return Slide(
        # Where nothing numbers the slide its container does: two slides of one specimen must not be one question.
        specimen=replace(claim.named, slide=claim.slide or claim.container),
        format=said.format if said else "",
        width=said.width if said else 0,
        height=said.height if said else 0,
        levels=said.levels if said else (),
        read_by=said.read_by if said else ReadBy(""),
        scanner=said.scanner if said else Scanner(),
        digest=row.digest,
        order_id=order_id,
        resolution=passed.resolution,
        stain=claim.stain,
        tissue=claim.tissue,
        after_therapy=claim.after_therapy,
        colour=("icc" if said.has_profile else "as stored") if said else "",
        refused=_REASONS.get(trouble.problem, NotAnalysedReason.UNREADABLE_SLIDE).value if trouble else "",
        refused_text=" ".join(filter(None, (trouble.text, trouble.remedy))) if trouble else "",
        container=claim.container,
        frame_of_reference_uid=said.frame_of_reference_uid if said and row.files[0].sop_class_uid else "",
    )


def _words(claim: Claim) -> tuple[str, ...]:
    named = claim.named
    stated = (claim.birth_date, claim.sex, claim.side)
    return named.accession, named.specimen, named.block, named.slide, claim.container, *map(str, stated)
