"""Pixels of source frames, decoded in a jail."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import structlog
from numpy.typing import NDArray

from services.results.deliver.formats.source_slices import SourceSlice
from shared.dicom.frame_pixels import FRAME_PIXELS
from shared.domain.errors import InvalidInputError, NotFoundError
from shared.jail.codes import JailedError
from shared.jail.jail import Jail
from shared.jail.limits import Limits
from shared.storage.blobs import LocalBlobs

log = structlog.get_logger("oncorelay.results.deliver")

LIMITS = Limits(memory_mb=1024, cpu_s=60, wall_s=120.0, answer_bytes=64 << 20, niceness=10)
"""One frame at a time; the largest answer holds a frame of 4,096 x 2,048 values (``LARGEST_PIXELS``)."""


@dataclass(frozen=True, slots=True)
class SlicePixels:
    """Decodes frames one by one; the jail's owner closes it."""

    jail: Jail
    blobs: LocalBlobs

    def read(self, slices: Sequence[SourceSlice], uris: Mapping[str, str]) -> Mapping[int, NDArray[np.float32]]:
        """Return the values after rescaling by slice; none at all where one frame cannot be decoded.

        A picture with a slice missing would look like a whole one.
        """
        try:
            return dict(self._decoded(slices, uris))
        except (JailedError, InvalidInputError, NotFoundError) as error:
            log.warning("slices_not_decoded", kind=type(error).__name__)
            return {}

    def _decoded(
        self, slices: Sequence[SourceSlice], uris: Mapping[str, str]
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        for one in slices:
            place = self.blobs.place(uris[one.frame.sop_instance_uid])
            rows, columns = int(one.header.Rows), int(one.header.Columns)
            asked = {
                "path": str(place.path), "offset": place.offset, "length": place.length, "number": one.frame.number,
                "rows": rows, "columns": columns,
            }  # fmt: skip
            values = np.frombuffer(base64.b64decode(self.jail.call(FRAME_PIXELS, asked)), dtype="<f4")
            yield one.index, values.reshape(rows, columns)
