"""A mask as an NRRD file (teem.sourceforge.net/nrrd/format.html): what annotation tools read and write."""

from __future__ import annotations

import gzip

import numpy as np
from numpy.typing import NDArray

from shared.imaging.volume import Mask


def nrrd(mask: Mask) -> bytes:
    """Return the file: 0 and 1, columns fastest, in the patient system LPS; the same mask gives the same bytes."""
    affine, (slices, rows, columns) = mask.grid.affine, mask.grid.shape
    directions = " ".join(_vector(affine[:3, axis]) for axis in (2, 1, 0))
    head = (
        "NRRD0004\ntype: unsigned char\ndimension: 3\nspace: left-posterior-superior\n"
        f"sizes: {columns} {rows} {slices}\nspace directions: {directions}\nkinds: domain domain domain\n"
        f"encoding: gzip\nspace origin: {_vector(affine[:3, 3])}\n\n"
    )
    return head.encode() + gzip.compress(mask.bits.astype(np.uint8).tobytes(), mtime=0)


def _vector(values: NDArray[np.float64]) -> str:
    return "(" + ",".join(f"{float(value):.10g}" for value in values) + ")"
