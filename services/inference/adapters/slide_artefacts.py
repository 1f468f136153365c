"""What is stored beside an answer about a slide: patch tables and overview, in the blob store, one folder per case."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from services.inference.adapters.studies import StoredArtefacts
from services.inference.formats.measured_slide import decode_measured, encode_measured
from services.inference.formats.overview_png import overview_png
from services.inference.ports import Measured
from shared.domain.errors import ConflictError
from shared.domain.images import Artefact, ArtefactKind
from shared.predictors.contract import SlideMeasured
from shared.storage.blobs import LocalBlobs


@dataclass(frozen=True, slots=True)
class SlideArtefacts:
    """``SlideStore`` in the blob store."""

    blobs: LocalBlobs

    def put(self, case_id: str, measured: Measured) -> tuple[Artefact, ...]:
        """Store tables and overview durably; the table of the result first.

        Raises:
            OutOfResourcesError: If there is no room, or no right to write.
        """
        store = StoredArtefacts(self.blobs.root)
        tables = tuple(store.put(case_id, ArtefactKind.PATCHES, one) for one in encode_measured(measured.slide))
        return (*tables, store.put(case_id, ArtefactKind.OVERVIEW, overview_png(measured.overview)))

    def read(self, kept: Sequence[Artefact]) -> SlideMeasured:
        """Return what was measured for an earlier answer.

        Raises:
            NotFoundError: If it is gone.
            ConflictError: If it is not what was pinned.
            InvalidInputError: If it cannot be understood.
        """
        return decode_measured([self._whole(one) for one in kept if one.kind is ArtefactKind.PATCHES])

    def _whole(self, artefact: Artefact) -> bytes:
        content = self.blobs.read(artefact.blob_uri)
        if hashlib.sha256(content).hexdigest() != artefact.digest:
            raise ConflictError("the stored patches are not those of the earlier answer")
        return content
