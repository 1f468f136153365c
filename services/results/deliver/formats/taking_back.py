"""Which DICOM objects a finding becomes at an archive: one report; a withdrawal as report, rejection note or both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydicom.dataset import Dataset

from services.results.deliver.formats.rejection_note import note_uid, to_note
from services.results.deliver.formats.sr_document import to_sr
from services.results.deliver.formats.style import Style, document_uid
from services.results.ledger.findings import Finding, Predecessor
from shared.codes import dcm
from shared.domain.case import FindingKind

TITLES = {"quality": dcm.REJECTED_FOR_QUALITY, "patient-safety": dcm.REJECTED_FOR_PATIENT_SAFETY}


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """How an archive is told that a result is taken back."""

    form: Literal["sr", "rejection-note", "both"]
    reason: Literal["quality", "patient-safety"] = "patient-safety"


SR_ONLY = Withdrawal("sr")


def object_uid(finding: Finding, style: Style, how: Withdrawal) -> str:
    """Return the SOP Instance UID of the first object the finding becomes."""
    return note_uid(finding, style) if _only_note(finding, how) else document_uid(finding, style)


def documents(
    finding: Finding,
    header: Dataset,
    predecessors: Sequence[Predecessor],
    style: Style,
    how: Withdrawal,
    *,
    parts: Sequence[Dataset] = (),
    gone: Sequence[Dataset] = (),
) -> list[Dataset]:
    """Return the documents in the order they are sent; the first is what a successor names.

    ``parts`` are sent before them. ``gone`` references the pictures of earlier results that lie there: a report names
    them; where the site asks for notes, a note rejects them, also when the result is replaced: nothing else can.

    Raises:
        PermanentError: If the header belongs to another patient or study than the finding says.
    """
    # A withdrawal that is only a note left no report that could be named as replaced.
    left_a_report = how.form != "rejection-note"
    reports = [row for row in predecessors if left_a_report or row.kind is not FindingKind.WITHDRAWN]
    made = [] if _only_note(finding, how) else [to_sr(finding, header, reports, style, parts, gone)]
    withdrawn = [row for row in reports if row.object_id and finding.kind is FindingKind.WITHDRAWN]
    if how.form != "sr" and (withdrawn or gone):
        made.append(to_note(finding, header, withdrawn, style, TITLES[how.reason], gone))
    return made or [to_sr(finding, header, reports, style, parts, gone)]


def _only_note(finding: Finding, how: Withdrawal) -> bool:
    return finding.kind is FindingKind.WITHDRAWN and how.form == "rejection-note"
