"""What must hold before and after a measurement; nothing is left out or filled in silently."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import numpy as np

from shared.domain.errors import InvalidInputError
from shared.imaging.volume import Mask, Volume


def measurable(image: Volume, mask: Mask) -> None:
    """Check a region before it is measured.

    Raises:
        InvalidInputError: If it is empty, only one voxel thick, on another grid, or the image has values that are none.
    """
    if not image.grid.same_place(mask.grid):
        raise InvalidInputError("region", "lies on another grid than the image")
    if not mask.bits.any():
        raise InvalidInputError("region", "is empty")
    start, stop = mask.box
    thickness = [b - a for a, b in zip(start, stop, strict=True)]
    if min(thickness) < 2:
        axis = ("slice", "row", "column")[thickness.index(min(thickness))]
        raise InvalidInputError("region", f"is one {axis} thick; features of a volume need two")
    if not np.isfinite(image.voxels).all():
        raise InvalidInputError("image", "has voxels without a finite value")


def exactly(found: Mapping[str, float], wanted: Collection[str]) -> Mapping[str, float]:
    """Return ``found`` in the order of ``wanted``.

    Raises:
        InvalidInputError: If a feature is missing, came unasked, or has no finite value; names it.
    """
    missing = [name for name in wanted if name not in found]
    extra = sorted(set(found) - set(wanted))
    if missing or extra:
        raise InvalidInputError("radiomics", "; ".join(_named("missing", missing) + _named("not asked for", extra)))
    without = [name for name in wanted if not math.isfinite(found[name])]
    if without:
        raise InvalidInputError("region", f"cannot be measured: {'; '.join(_named('no value', without))}")
    return {name: found[name] for name in wanted}


def _named(what: str, names: list[str]) -> list[str]:
    """Return a phrase naming the first five; none for an empty list."""
    if not names:
        return []
    rest = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return [f"{what}: {', '.join(names[:5])}{rest}"]
