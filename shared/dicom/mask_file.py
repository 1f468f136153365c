"""A mask in a NIfTI or NRRD file beside the study; what its header lacks is not made up.

NIfTI keeps its places in RAS and NRRD in whatever it says; SimpleITK brings both into LPS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from shared.dicom.drawing import Drawing, Meaning, meaning_of
from shared.dicom.region_object import as_found
from shared.domain.errors import InvalidInputError
from shared.domain.images import RegionOrigin
from shared.imaging.placing import Placed, place_mask
from shared.imaging.volume import Affine, Bits, Grid, Mask

SUFFIXES = (".nii", ".nii.gz", ".nrrd")
"""A NRRD header that points at another file (.nhdr) is not followed."""
LARGEST_VOXELS = 1 << 28
MOST_SEGMENTS = 256
_LARGEST_HEADER = 1 << 16
_DETACHED = re.compile(rb"^data ?file\s*:", re.IGNORECASE | re.MULTILINE)
_SPACE = "NRRD_space"
_LPS = "left-posterior-superior"
"""What SimpleITK calls every anatomical space of NRRD once it has turned it into LPS."""


def drawings_in_file(path: Path) -> tuple[Drawing, ...]:
    """Return the mask of a file, or the segments a header of 3D Slicer names (``Segment0_Name``); read when placed.

    Raises:
        InvalidInputError: If it is neither NIfTI nor NRRD, or its header cannot be read.
    """
    if not path.name.lower().endswith(SUFFIXES):
        raise InvalidInputError("mask file", f"is none of {', '.join(SUFFIXES)}")
    with as_found():
        named = _segments(path)
    if not named:
        return (_drawing(path, None, ""),)
    return tuple(_drawing(path, label, name) for label, name in named)


def _drawing(path: Path, label: int | None, name: str) -> Drawing:
    meaning = meaning_of(name) if name else Meaning.UNKNOWN
    return Drawing(
        RegionOrigin.MASK_FILE, meaning, partial(_placed, path, label), name=name.upper(),
        how="mask file beside the study", number=label, group=str(path),
    )  # fmt: skip


def _segments(path: Path) -> list[tuple[int, str]]:
    """Return label value and name of each segment the header names, at most ``MOST_SEGMENTS``."""
    reader = _header(path)
    keys = set(reader.GetMetaDataKeys())
    found = []
    for number in range(MOST_SEGMENTS):
        value, name = f"Segment{number}_LabelValue", f"Segment{number}_Name"
        if value in keys:
            found.append((int(reader.GetMetaData(value)), reader.GetMetaData(name) if name in keys else ""))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Stored:
    """A mask as its file has it."""

    mask: Mask
    """Axes in the order in which the file's header counts them, where its header puts them."""
    states_geometry: bool
    """False: the header knows no place in the patient, and the mask's grid means nothing."""


def _placed(path: Path, label: int | None, grid: Grid) -> Placed:
    with as_found():
        stored = _read(path, label)
    if stored.states_geometry or _same_corners(stored.mask.grid, grid):
        return place_mask(stored.mask, grid)
    return _by_dimensions(stored.mask.bits, grid)


def _same_corners(first: Grid, second: Grid) -> bool:
    """Tell whether both fill the same box, in whatever order of axes."""
    boxes = []
    for grid in (first, second):
        ends = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)]) * (np.array(grid.shape) - 1.0)
        corners = grid.place(ends)
        boxes.append(np.stack((corners.min(axis=0), corners.max(axis=0))))
    return sorted(first.shape) == sorted(second.shape) and bool(np.allclose(boxes[0], boxes[1], atol=0.01))


def _by_dimensions(bits: Bits, grid: Grid) -> Placed:
    """Return a mask without geometry where exactly one order of its axes has the image's dimensions."""
    fitting = [order for order in permutations(range(3)) if tuple(bits.shape[n] for n in order) == grid.shape]
    if not fitting:
        raise InvalidInputError("mask file", "states no geometry and has other dimensions than the images")
    if len(fitting) > 1:
        reason = "states no geometry, and its dimensions fit the images in more than one order of axes"
        raise InvalidInputError("mask file", reason)
    mask = Mask(np.ascontiguousarray(bits.transpose(fitting[0])), grid)
    return Placed(mask, mask.count, 0.0, exact=True, remark="the mask file states no geometry: matched by dimensions")


def _read(path: Path, label: int | None) -> _Stored:
    reader = _header(path)
    size = reader.GetSize()
    if any(n != 1 for n in size[3:]) or len(size) < 3 or reader.GetNumberOfComponents() != 1:
        raise InvalidInputError("mask file", "is not one volume")
    if min(size) < 1 or int(np.prod([int(n) for n in size])) > LARGEST_VOXELS:
        raise InvalidInputError("mask file", "is larger than any study")
    image = reader.Execute()
    values = SimpleITK.GetArrayViewFromImage(image)
    values = values.reshape(values.shape[-3:])
    bits = np.ascontiguousarray((_bits(values) if label is None else values == label).transpose())
    mask = Mask(bits, Grid((bits.shape[0], bits.shape[1], bits.shape[2]), _affine(reader)))
    return _Stored(mask, _states_geometry(reader))


def _header(path: Path) -> Any:
    """Return a reader that has read the header and nothing else."""
    _refuse_detached(path)
    reader: Any = SimpleITK.ImageFileReader()  # type: ignore[no-untyped-call]
    reader.SetFileName(str(path))
    reader.SetImageIO("NrrdImageIO" if path.name.lower().endswith(".nrrd") else "NiftiImageIO")
    reader.ReadImageInformation()
    return reader


def _refuse_detached(path: Path) -> None:
    with path.open("rb") as stream:
        if stream.read(4) == b"NRRD" and _DETACHED.search(stream.read(_LARGEST_HEADER).partition(b"\n\n")[0]):
            raise InvalidInputError("mask file", "keeps its voxels in another file")


def _bits(values: NDArray[np.generic]) -> Bits:
    """Return what is drawn: one label, or fractions of one."""
    labels = np.unique(values)
    if not np.isfinite(labels.astype(np.float64)).all():
        raise InvalidInputError("mask file", "has values that are no numbers")
    if len(labels) > 2 and np.issubdtype(values.dtype, np.integer):
        raise InvalidInputError("mask file", f"has {len(labels) - 1} labels, and nothing says which is the tumour")
    half = float(labels.max()) / 2
    drawn: Bits = values.astype(np.float64, copy=False) > half if half > 0 else np.zeros(values.shape, dtype=np.bool_)
    return drawn


def _states_geometry(reader: Any) -> bool:
    """Tell whether the header places its voxels in the patient.

    NIfTI: a form code above 0 (nifti1.h). NRRD: an anatomical space. A matrix of ones at the origin is what tools write
    that know no geometry, whatever the code beside it says.
    """
    keys = set(reader.GetMetaDataKeys())
    if "sform_code" in keys:
        codes = {reader.GetMetaData(key).strip() for key in ("sform_code", "qform_code") if key in keys}
        stated = codes != {"0"}
    else:
        stated = _SPACE in keys and reader.GetMetaData(_SPACE).strip() == _LPS
    direction = np.abs(np.array(reader.GetDirection()[:3]))
    plain = all(n == 1 for n in reader.GetSpacing()[:3]) and all(n == 0 for n in reader.GetOrigin()[:3])
    return stated and not (plain and np.array_equal(direction, (1, 0, 0)))


def _affine(reader: Any) -> Affine:
    """Return the matrix of the file's own indices (first, second, third)."""
    dimension = reader.GetDimension()
    direction = np.array(reader.GetDirection()).reshape(dimension, dimension)[:3, :3]
    affine: Affine = np.eye(4)
    affine[:3, :3] = direction * np.array(reader.GetSpacing()[:3])
    affine[:3, 3] = reader.GetOrigin()[:3]
    return affine
