"""The header of one source object, read from the blob store without its pixels."""

from __future__ import annotations

from dataclasses import dataclass

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from services.results.deliver.ports import RefusedError
from services.results.ledger.findings import Finding
from shared.storage.blobs import LocalBlobs

_LONGEST_VALUE_BYTES = 65536  # longer values stay on disk: none of the patient and study attributes is that long


@dataclass(frozen=True, slots=True)
class SourceHeaders:
    """Reads headers of pinned or stored instances."""

    blobs: LocalBlobs

    def read(self, finding: Finding) -> Dataset:
        """Return the header of the first image the answer rests on, or of the study's first instance.

        Raises:
            RefusedError: If the study has no instance, or what is stored cannot be read.
        """
        uri = self._uri(finding)
        try:
            with self.blobs.open(uri) as stream:
                return pydicom.dcmread(stream, stop_before_pixels=True, defer_size=_LONGEST_VALUE_BYTES, force=False)
        except (InvalidDicomError, OSError) as error:
            raise RefusedError(f"the stored source image cannot be read ({type(error).__name__})") from error

    def _uri(self, finding: Finding) -> str:
        if finding.study.slide and finding.study.instances:
            return finding.study.instances[0].blob_uri  # the widest level
        pinned = finding.pins.instances if finding.pins else ()
        rows = sorted((row.sop_instance_uid, row.blob_uri) for row in pinned or finding.study.instances)
        if not rows:
            raise RefusedError("the study has no stored instance to take patient and study attributes from")
        return rows[0][1]
