"""What pictures are made from, read from the blob store: artefacts, the headers of their frames, and pixels, jailed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from services.results.deliver.adapters.slice_pixels import SlicePixels
from services.results.deliver.adapters.stored_artefacts import stored
from services.results.deliver.formats.measured_images import MeasuredImages, on_grid, slices_of
from services.results.deliver.formats.source_slices import SourceSlice, source_slices
from services.results.deliver.formats.sr_source import source_header
from services.results.deliver.ports import RefusedError
from services.results.ledger.findings import Finding
from shared.domain.errors import InvalidInputError
from shared.domain.images import ArtefactKind
from shared.imaging.artefacts import decode_heatmap, decode_region
from shared.storage.blobs import LocalBlobs

_LONGEST_VALUE_BYTES = 65536  # pixel data is never read here


@dataclass(frozen=True, slots=True)
class SourceImages:
    """Reads what the artefacts of a finding name."""

    blobs: LocalBlobs
    pixels: SlicePixels | None = None
    """Where no picture is ever asked for, None."""

    def read(self, finding: Finding, header: Dataset) -> MeasuredImages | None:
        """Return region, heatmap and frames of an answer from images; None where it is not from images.

        Raises:
            RefusedError: If an artefact or a frame is missing, damaged, or does not fit the others.
        """
        region = self._artefact(finding, ArtefactKind.REGION)
        if region is None:
            return None
        try:
            mask = decode_region(region)
            stored = self._artefact(finding, ArtefactKind.HEATMAP)
            heatmap = on_grid(decode_heatmap(stored), mask.grid) if stored else None
        except InvalidInputError as error:
            raise RefusedError(f"what was measured cannot be read ({error.element})") from error
        except ValueError as error:
            raise RefusedError("the heatmap lies outside of the images it was made from") from error
        indices = slices_of(mask, heatmap)
        headers = self._headers(finding, {mask.grid.frames[n].sop_instance_uid for n in indices if mask.grid.frames})
        slices = source_slices(mask.grid, indices, headers, source_header(finding, header))
        return MeasuredImages(mask, slices, heatmap)

    def levels(self, finding: Finding, header: Dataset) -> tuple[Dataset, ...]:
        """Return the headers of a slide's levels, widest first; label and macro images are none.

        Raises:
            RefusedError: If one cannot be read, or belongs to another patient or study than the finding says.
        """
        found = [source_header(finding, self._header(row.blob_uri)) for row in finding.study.instances]
        levels = [one for one in found if "VOLUME" in one.ImageType and "TotalPixelMatrixColumns" in one]
        whose = source_header(finding, header).FrameOfReferenceUID
        if not levels or any(one.FrameOfReferenceUID != whose for one in levels):
            raise RefusedError("the stored slide has no levels in one frame of reference")
        return tuple(sorted(levels, key=lambda one: -int(one.TotalPixelMatrixColumns)))

    def decoded(self, finding: Finding, images: MeasuredImages, slices: Sequence[SourceSlice]) -> MeasuredImages:
        """Return the same with the pixels of these slices; without any where one of them cannot be decoded."""
        return replace(images, pixels=self.pixels.read(slices, self._uris(finding)) if self.pixels else {})

    def _artefact(self, finding: Finding, kind: ArtefactKind) -> bytes | None:
        rows = finding.prediction.artefacts if finding.prediction else ()
        found = next((row for row in rows if row.kind is kind), None)
        return stored(self.blobs, found) if found else None

    def _headers(self, finding: Finding, wanted: set[str]) -> dict[str, Dataset]:
        uris = self._uris(finding)
        return {uid: self._header(uris[uid]) for uid in sorted(wanted & uris.keys())}

    def _uris(self, finding: Finding) -> dict[str, str]:
        pinned = finding.pins.instances if finding.pins else ()
        rows: Sequence[tuple[str, str]] = [(row.sop_instance_uid, row.blob_uri) for row in finding.study.instances]
        return dict([*rows, *((row.sop_instance_uid, row.blob_uri) for row in pinned)])

    def _header(self, uri: str) -> Dataset:
        try:
            with self.blobs.open(uri) as stream:
                return pydicom.dcmread(stream, stop_before_pixels=True, defer_size=_LONGEST_VALUE_BYTES)
        except (InvalidDicomError, OSError) as error:
            raise RefusedError(f"a stored source image cannot be read ({type(error).__name__})") from error
