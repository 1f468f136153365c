"""Artefacts of an answer as they were stored: each is compared with its digest before anything is made from it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from services.results.deliver.formats.slide_basis import Overview, SlideBasis, basis
from services.results.deliver.ports import RefusedError
from services.results.ledger.findings import Finding
from shared.domain.errors import InvalidInputError, NotFoundError
from shared.domain.images import Artefact, ArtefactKind
from shared.pathology.patch_bytes import decode_patches
from shared.pathology.patch_table import PatchTable
from shared.storage.blobs import LocalBlobs

_MOST_PIXELS = 64_000_000
"""Of an overview; the largest glass (75 x 26 mm) has 30 million at 8 micrometres."""


def stored(blobs: LocalBlobs, row: Artefact) -> bytes:
    """Return the bytes of an artefact.

    Raises:
        RefusedError: If it is no longer there, or not what was made.
    """
    try:
        content = blobs.read(row.blob_uri)
    except NotFoundError as error:
        raise RefusedError(f"the {row.kind} that was measured is no longer stored") from error
    if hashlib.sha256(content).hexdigest() != row.digest:
        raise RefusedError(f"the stored {row.kind} is not the one that was measured")
    return content


@dataclass(frozen=True, slots=True)
class SlideArtefacts:
    """Reads what an answer about a slide rests on."""

    blobs: LocalBlobs

    def read(self, finding: Finding) -> SlideBasis | None:
        """Return patches and overview; None of a finding that is no answer about a slide, or keeps no patches.

        Raises:
            RefusedError: If an artefact is missing or damaged.
            PermanentError: If the patches are not those the answer counts.
        """
        rows = finding.prediction.artefacts if finding.prediction and finding.prediction.slide else ()
        tables = tuple(self._table(row) for row in rows if row.kind is ArtefactKind.PATCHES)
        pictures = [self._overview(row) for row in rows if row.kind is ArtefactKind.OVERVIEW]
        return basis(finding, tables, next(iter(pictures), None))

    def _table(self, row: Artefact) -> PatchTable:
        try:
            return decode_patches(stored(self.blobs, row))
        except InvalidInputError as error:
            raise RefusedError(f"the stored {row.kind} cannot be read ({error.element})") from error

    def _overview(self, row: Artefact) -> Overview:
        try:
            with Image.open(BytesIO(stored(self.blobs, row)), formats=["PNG"]) as picture:
                if picture.width * picture.height > _MOST_PIXELS:
                    raise RefusedError("the stored overview is larger than a glass")
                return np.asarray(picture.convert("RGB"), dtype=np.uint8)
        except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
            raise RefusedError(f"the stored overview cannot be read ({type(error).__name__})") from error
