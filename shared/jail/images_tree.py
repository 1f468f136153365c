"""The images of a study as a tree for JSON and arrays in a window, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from shared.domain.errors import InvalidInputError
from shared.domain.images import RegionOrigin
from shared.imaging.dynamic import DynamicChoice, ImageTrouble
from shared.imaging.region import Acquisition, BreastImages, Region
from shared.imaging.volume import Frame, Grid, Mask, Volume
from shared.jail.window import Filling, Seen

_CHOICE = TypeAdapter(DynamicChoice)
_TROUBLE = TypeAdapter(ImageTrouble)
_ACQUISITION = TypeAdapter(Acquisition | None)


def packed_images(images: BreastImages | ImageTrouble, window: Filling) -> dict[str, Any]:
    """Return the tree; the arrays are put into ``window`` unless they lie there.

    Raises:
        MemoryError: If they do not fit.
    """
    if isinstance(images, ImageTrouble):
        return {"trouble": _TROUBLE.dump_python(images, mode="json")}
    return {
        "choice": _CHOICE.dump_python(images.choice, mode="json"),
        "early": _packed(images.early.voxels, images.early.grid, window),
        "pre": _packed_volume(images.pre, window),
        "late": _packed_volume(images.late, window),
        "region": _packed_region(images.region, window),
        "second_reader": None if images.second_reader is None else _packed_mask(images.second_reader, window),
        "acquisition": _ACQUISITION.dump_python(images.acquisition, mode="json"),
    }


def images_of(tree: Any, seen: Seen) -> BreastImages | ImageTrouble:
    """Return what ``packed_images`` made a tree of.

    Raises:
        InvalidInputError: If it is none; nothing in the tree is believed.
    """
    try:
        if "trouble" in tree:
            return _TROUBLE.validate_python(tree["trouble"])
        second = tree["second_reader"]
        return BreastImages(
            _CHOICE.validate_python(tree["choice"]),
            _volume(tree["early"], seen),
            _region(tree["region"], seen),
            None if tree["pre"] is None else _volume(tree["pre"], seen),
            None if tree["late"] is None else _volume(tree["late"], seen),
            None if second is None else _mask(second, seen),
            _ACQUISITION.validate_python(tree["acquisition"]),
        )
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise InvalidInputError("images", f"cannot be read from the jail ({type(error).__name__})") from error


def _packed_volume(volume: Volume | None, window: Filling) -> dict[str, Any] | None:
    return None if volume is None else _packed(volume.voxels, volume.grid, window)


def _packed_mask(mask: Mask, window: Filling) -> dict[str, Any]:
    return _packed(mask.bits.view(np.uint8), mask.grid, window)


def _packed(values: NDArray[Any], grid: Grid, window: Filling) -> dict[str, Any]:
    return {
        "values": window.put(values),
        "affine": grid.affine.tolist(),
        "frame_of_reference": grid.frame_of_reference_uid,
        "frames": [[one.sop_instance_uid, one.number] for one in grid.frames],
    }


def _packed_region(region: Region, window: Filling) -> dict[str, Any]:
    return {
        "mask": _packed_mask(region.mask, window),
        "origin": region.origin.value,
        "method": region.method,
        "author": region.author,
        "source": region.source_instance_uid,
        "segment": region.segment_number,
        "remarks": list(region.remarks),
    }


def _volume(tree: Any, seen: Seen) -> Volume:
    values = seen.array(tree["values"])
    return Volume(values, _grid(tree, values))


def _mask(tree: Any, seen: Seen) -> Mask:
    values = seen.array(tree["values"])
    return Mask(values != 0, _grid(tree, values))


def _grid(tree: Any, values: NDArray[Any]) -> Grid:
    slices, rows, columns = values.shape
    frames = tuple(Frame(str(uid), int(number)) for uid, number in tree["frames"])
    affine = np.array(tree["affine"], dtype=np.float64)
    return Grid((slices, rows, columns), affine, str(tree["frame_of_reference"]), frames)


def _region(tree: Any, seen: Seen) -> Region:
    segment = tree["segment"]
    return Region(
        _mask(tree["mask"], seen),
        RegionOrigin(tree["origin"]),
        str(tree["method"]),
        str(tree["author"]),
        str(tree["source"]),
        None if segment is None else int(segment),
        tuple(str(one) for one in tree["remarks"]),
    )
