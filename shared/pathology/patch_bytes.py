"""A patch table as bytes: what a worker stores beside an answer, and what aggregation and renderings are made from.

A NumPy archive (``.npz``, no pickle). The same value gives the same bytes.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.domain.errors import InvalidInputError
from shared.domain.slides import Cropping
from shared.pathology.grid import CropGrid
from shared.pathology.patch_table import PatchTable

LARGEST_BYTES = 1 << 28
"""Unpacked; 200,000 patches with 14 x 14 heat cells fit three times."""
_VERSION = 1
_DTYPES: dict[str, tuple[type[np.generic], int]] = {
    "index": (np.int32, 1), "probabilities": (np.float32, 2), "tissue": (np.float32, 1), "artefacts": (np.uint8, 1),
    "heat": (np.float16, 3),
}  # fmt: skip
_SHARES = ("probabilities", "tissue", "heat")


def encode_patches(table: PatchTable) -> bytes:
    """Return the table as bytes."""
    grid = table.grid
    about = {
        "version": _VERSION, "cropping": grid.cropping.value, "side_px": grid.side_px, "side_um": grid.side_um,
        "columns": grid.columns, "rows": grid.rows, "width": table.width, "height": table.height,
        "microns_per_pixel": table.microns_per_pixel,
    }  # fmt: skip
    arrays: dict[str, NDArray[Any]] = {
        name: np.ascontiguousarray(getattr(table, name), dtype=kind) for name, (kind, _) in _DTYPES.items()
    }
    stream = io.BytesIO()
    text = np.frombuffer(json.dumps(about, sort_keys=True).encode(), dtype=np.uint8)
    np.savez_compressed(stream, about=text, **arrays)  # type: ignore[arg-type]  # its stub
    return stream.getvalue()


def decode_patches(content: bytes) -> PatchTable:
    """Return the table ``encode_patches`` was given.

    Raises:
        InvalidInputError: If these are not its bytes, or are more than a slide can give.
    """
    try:
        _refuse_swollen(content)
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            about = json.loads(archive["about"].tobytes())
            arrays = {name: archive[name] for name in _DTYPES}
        if about["version"] != _VERSION:
            raise InvalidInputError("patches", "are of another version")
        table = _table(about, arrays)
    except (KeyError, ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidInputError("patches", f"cannot be read ({type(error).__name__})") from error
    _check(table)
    return table


def _table(about: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> PatchTable:
    grid = CropGrid(
        Cropping(about["cropping"]), int(about["side_px"]), float(about["side_um"]), int(about["columns"]),
        int(about["rows"]),
    )  # fmt: skip
    return PatchTable(
        grid, arrays["index"], arrays["probabilities"], arrays["tissue"], arrays["artefacts"], arrays["heat"],
        int(about["width"]), int(about["height"]), float(about["microns_per_pixel"]),
    )  # fmt: skip


def _check(table: PatchTable) -> None:
    """Refuse arrays that do not fit each other, the grid, or their meaning."""
    count = len(table.index)
    for name, (kind, dimensions) in _DTYPES.items():
        values = getattr(table, name)
        if values.dtype != kind or values.ndim != dimensions or len(values) != count:
            raise InvalidInputError("patches", f"{name} has another shape or type")
        if name in _SHARES and not ((values >= 0) & (values <= 1.001)).all():
            raise InvalidInputError("patches", f"{name} is not in [0, 1]")
    if table.probabilities.shape[1] != 3 or table.heat.shape[1] != table.heat.shape[2]:
        raise InvalidInputError("patches", "the columns are not those of a patch table")
    if min(table.grid.side_px, table.width, table.height) < 1 or not 0 < table.microns_per_pixel < 1000:
        raise InvalidInputError("patches", "the size of the slide is not possible")
    ordered = count == 0 or (table.index[0] >= 0 and bool((np.diff(table.index) > 0).all()))
    if not ordered or (count and int(table.index[-1]) >= len(table.grid)):
        raise InvalidInputError("patches", "the places are not those of the grid")


def _refuse_swollen(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(one.file_size for one in archive.infolist()) > LARGEST_BYTES:
            raise InvalidInputError("patches", "unpack to more than a slide can give")
