"""What an archive gets of a finding, and in which order: region and pictures first, then the report people open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import structlog
from pydicom.dataset import Dataset

from services.results.deliver.adapters.answers import once_sent
from services.results.deliver.adapters.source_headers import SourceHeaders
from services.results.deliver.adapters.source_images import SourceImages
from services.results.deliver.adapters.stored_artefacts import SlideArtefacts
from services.results.deliver.formats import secondary_capture
from services.results.deliver.formats.parts import NAMES, left_beside, named_in_report, parts, slide_parts
from services.results.deliver.formats.style import Style
from services.results.deliver.formats.taking_back import Withdrawal, documents
from services.results.deliver.ports import RefusedError
from services.results.ledger.findings import Finding, Predecessor

log = structlog.get_logger("oncorelay.results.deliver")

Holds = Callable[[Dataset], bool]
"""Whether the archive holds an object, given by its UIDs; True where it cannot be asked."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The objects of one finding at one archive."""

    parts: tuple[Dataset, ...]
    documents: tuple[Dataset, ...]
    """The first is what a successor names."""

    @property
    def first(self) -> Dataset:
        """Return the object people open."""
        return self.documents[0]

    def bring(self, bring: Callable[[Dataset], None]) -> str:
        """Bring everything; return what a person is told of parts the archive does not take.

        An archive that does not take such a part still gets the report: its numbers must not be lost with a picture.
        """
        refused = [part for part in self.parts if not _taken(part, bring)]
        for number, document in enumerate(self.documents):
            something_left = number > 0 or len(refused) < len(self.parts)
            with once_sent() if something_left else nullcontext():
                bring(document)
        names = ", ".join(NAMES[str(part.SOPClassUID)] for part in refused)
        return f" (not taken there: {names})" if names else ""


@dataclass(frozen=True, slots=True)
class ArchiveObjects:
    """Renders for one archive."""

    headers: SourceHeaders
    images: SourceImages
    style: Style
    withdrawal: Withdrawal

    @property
    def slides(self) -> SlideArtefacts:
        """Return what reads the patches of a slide."""
        return SlideArtefacts(self.headers.blobs)

    def of(self, finding: Finding, predecessors: Sequence[Predecessor], holds: Holds) -> Rendered:
        """Return the finding's objects; ``holds`` tells which parts of earlier results lie there to be taken back.

        Raises:
            PermanentError: If something cannot be rendered as it was measured.
        """
        header = self.headers.read(finding)
        made = self.parts(finding, header)
        rows = left_beside(str(header.StudyInstanceUID), predecessors, self.style)
        gone = [row for row in rows if holds(row)]
        said = documents(
            finding, header, predecessors, self.style, self.withdrawal, parts=named_in_report(made), gone=gone
        )
        return Rendered(tuple(made), tuple(said))

    def parts(self, finding: Finding, header: Dataset) -> list[Dataset]:
        """Return what goes beside the report."""
        if not self.style.pictures:
            return []
        if finding.study.slide is not None:
            return self._of_slide(finding, header)
        images = self.images.read(finding, header)
        if images is not None and secondary_capture.KIND in self.style.pictures:
            images = self.images.decoded(finding, images, secondary_capture.shown(images))
        return parts(finding, images, self.style)

    def _of_slide(self, finding: Finding, header: Dataset) -> list[Dataset]:
        basis = self.slides.read(finding)
        return slide_parts(finding, basis, self.images.levels(finding, header), self.style) if basis else []


def _taken(part: Dataset, bring: Callable[[Dataset], None]) -> bool:
    try:
        bring(part)
    except RefusedError:
        log.warning("part_not_taken", kind=NAMES[str(part.SOPClassUID)])
        return False
    return True
