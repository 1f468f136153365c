"""A patch table stored with how it was read: stains, quality, engine. So that it can be aggregated again without them.

One more member in the table's archive, which ``shared.pathology.patch_bytes`` reads past.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np

from shared.domain.errors import InvalidInputError
from shared.domain.slide_answers import QualityRow
from shared.pathology.patch_bytes import decode_patches, encode_patches
from shared.pathology.stain_fit import StainFit
from shared.predictors.contract import SlideMeasured

MEMBER = "reading.json"
_VERSION = 1


def encode_measured(measured: SlideMeasured) -> tuple[bytes, ...]:
    """Return one archive for each grid, the one that makes the result first; the same value gives the same bytes."""
    about = json.dumps(_tree(measured), sort_keys=True).encode()
    return tuple(_with_member(encode_patches(table), about) for table in measured.tables)


def decode_measured(contents: Sequence[bytes]) -> SlideMeasured:
    """Return what ``encode_measured`` was given.

    Raises:
        InvalidInputError: If these are not its bytes.
    """
    tables = tuple(decode_patches(content) for content in contents)
    try:
        with zipfile.ZipFile(io.BytesIO(contents[0])) as archive:
            tree = json.loads(archive.read(MEMBER))
        if tree["version"] != _VERSION:
            raise InvalidInputError("patches", "are of another version")
        stain = StainFit(**(tree["stain"] | {name: np.array(tree["stain"][name]) for name in ("vectors", "strengths")}))
        checked = tuple(QualityRow(**row) for row in tree["checked"])
        return SlideMeasured(tables, stain, checked, tree["runtime"], tree["precision"])
    except (KeyError, IndexError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise InvalidInputError("patches", f"cannot be read ({type(error).__name__})") from error


def _tree(measured: SlideMeasured) -> dict[str, Any]:
    stain = measured.stain
    return {
        "version": _VERSION, "runtime": measured.runtime, "precision": measured.precision,
        "stain": {
            "vectors": stain.vectors.tolist(), "strengths": stain.strengths.tolist(), "residual": stain.residual,
            "angle_degrees": stain.angle_degrees, "method": stain.method, "fallback": stain.fallback,
        },
        "checked": [
            {name: getattr(row, name) for name in QualityRow.__dataclass_fields__} for row in measured.checked
        ],
    }  # fmt: skip


def _with_member(content: bytes, about: bytes) -> bytes:
    stream = io.BytesIO(content)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(zipfile.ZipInfo(MEMBER), about)
    return stream.getvalue()
