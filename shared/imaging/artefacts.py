"""A region or a heatmap as bytes: what a worker stores beside an answer, and what renderings are made from.

A NumPy archive (``.npz``, no pickle) with the voxels, the matrix, the frame of reference and the frames of the slices.
The same value gives the same bytes.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.domain.errors import InvalidInputError
from shared.imaging.volume import Frame, Grid, Mask, Volume

LARGEST_VOXELS = 1 << 29
"""More are refused: 2,000 slices of 512 x 512 fit."""
_VERSION = 1


def encode_region(mask: Mask) -> bytes:
    """Return the mask as bytes; eight voxels to a byte."""
    return _archive({"bits": np.packbits(mask.bits.ravel())}, mask.grid, "region")


def decode_region(content: bytes) -> Mask:
    """Return the mask ``encode_region`` was given.

    Raises:
        InvalidInputError: If these are not its bytes.
    """
    arrays, grid = _opened(content, "region", "bits")
    count = int(np.prod(grid.shape))
    packed = arrays["bits"]
    if packed.dtype != np.uint8 or packed.shape != ((count + 7) // 8,):
        raise InvalidInputError("region", "its voxels do not fit its grid")
    return Mask(np.unpackbits(packed, count=count).astype(np.bool_).reshape(grid.shape), grid)


def encode_heatmap(volume: Volume) -> bytes:
    """Return the map as bytes, its values as float32."""
    return _archive({"values": np.ascontiguousarray(volume.voxels, dtype=np.float32)}, volume.grid, "heatmap")


def decode_heatmap(content: bytes) -> Volume:
    """Return the map ``encode_heatmap`` was given.

    Raises:
        InvalidInputError: If these are not its bytes.
    """
    arrays, grid = _opened(content, "heatmap", "values")
    values = arrays["values"]
    if values.dtype != np.float32 or values.shape != grid.shape or not np.isfinite(values).all():
        raise InvalidInputError("heatmap", "its values do not fit its grid")
    return Volume(values, grid)


def _archive(arrays: dict[str, NDArray[Any]], grid: Grid, kind: str) -> bytes:
    about = {
        "version": _VERSION, "kind": kind, "shape": list(grid.shape), "frame_of_reference": grid.frame_of_reference_uid,
        "frames": [[one.sop_instance_uid, one.number] for one in grid.frames],
    }  # fmt: skip
    stream = io.BytesIO()
    text = np.frombuffer(json.dumps(about, sort_keys=True).encode(), dtype=np.uint8)
    np.savez_compressed(stream, about=text, affine=grid.affine, **arrays)  # type: ignore[arg-type]  # its stub
    return stream.getvalue()


def _opened(content: bytes, kind: str, name: str) -> tuple[dict[str, NDArray[Any]], Grid]:
    try:
        _refuse_swollen(content)
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            about = json.loads(archive["about"].tobytes())
            if (about["version"], about["kind"]) != (_VERSION, kind):
                raise InvalidInputError(kind, "is another kind, or of another version")
            frames = tuple(Frame(str(uid), int(number)) for uid, number in about["frames"])
            a, b, c = (int(n) for n in about["shape"])
            grid = Grid((a, b, c), archive["affine"], str(about["frame_of_reference"]), frames)
            return {name: archive[name]}, grid
    except (KeyError, ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidInputError(kind, f"cannot be read ({type(error).__name__})") from error


def _refuse_swollen(content: bytes) -> None:
    """Refuse an archive that would unpack to more than the largest volume."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(one.file_size for one in archive.infolist()) > 4 * LARGEST_VOXELS:
            raise InvalidInputError("artefact", "unpacks to more than a volume can hold")
