"""The voxels of a phase: its slices decoded one by one into one array, rescaled (PS3.3 C.11.1.1).

Memory is that of the volume and of one slice: an integer volume where every value fits sixteen bits, else float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from shared.dicom.functional_groups import Described, described
from shared.dicom.image_pixel import ImagePixel, grey_frame, image_pixel
from shared.dicom.opened import Opened, opened
from shared.dicom.raw_values import decimal
from shared.dicom.stored_object import StoredObject
from shared.domain.errors import InvalidInputError
from shared.imaging.dynamic import FrameHeader, ImageProblem, ImageTrouble
from shared.imaging.stack import Stack
from shared.imaging.volume import Volume

_INTERCEPT, _SLOPE = 0x00281052, 0x00281053
Sources = Mapping[str, StoredObject]
"""SOP Instance UID -> where the object lies."""


Room = Callable[[tuple[int, ...], DTypeLike], NDArray[Any]]
"""Gives an array of a shape and type that nobody else uses; raises MemoryError."""


@dataclass(frozen=True, slots=True)
class _Object:
    """What of one object is needed to decode its frames."""

    stored: StoredObject
    image: ImagePixel
    values: Described

    def rescale(self, number: int) -> tuple[float, float]:
        """Return slope and intercept of a frame; 1 and 0 where it states none."""
        values = self.values.of(number - 1)
        slope, intercept = decimal(values.get(_SLOPE, b"")), decimal(values.get(_INTERCEPT, b""))
        return (1.0 if slope is None else slope), (intercept or 0.0)


def read_volume(stack: Stack, sources: Sources, room: Room = np.empty) -> Volume | ImageTrouble:
    """Return the voxels of a phase.

    Raises:
        MemoryError: If ``room`` has none left.
    """
    try:
        objects = _objects(stack.frames, sources)
        voxels = room(stack.grid.shape, _kind(stack.frames, objects))
        for index, frame in enumerate(stack.frames):
            voxels[index] = _slice(objects[frame.frame.sop_instance_uid], frame.frame.number, voxels.dtype)
    except InvalidInputError as error:
        text = f"The pixels of a phase cannot be read: {error.element} {error.reason}."
        return ImageTrouble(ImageProblem.UNREADABLE_PIXELS, text)
    except OSError:
        return ImageTrouble(ImageProblem.UNREADABLE_PIXELS, "An image of the study is no longer on disk.")
    return Volume(voxels, stack.grid)


def read_slices(frames: Sequence[FrameHeader], sources: Sources) -> NDArray[np.float32]:
    """Return single slices, (slices, rows, columns).

    Raises:
        InvalidInputError: If one cannot be decoded.
        OSError: If one is gone.
    """
    objects = _objects(frames, sources)
    kind = np.dtype(np.float32)
    return np.stack([_slice(objects[one.frame.sop_instance_uid], one.frame.number, kind) for one in frames])


def _objects(frames: Sequence[FrameHeader], sources: Sources) -> dict[str, _Object]:
    found: dict[str, _Object] = {}
    for one in frames:
        uid = one.frame.sop_instance_uid
        if uid not in found:
            stored = sources[uid]
            with opened(stored) as at:
                found[uid] = _Object(stored, _image(at), _rescaling(at))
        image = found[uid].image
        if (image.rows, image.columns) != (one.rows, one.columns):
            raise InvalidInputError("PixelData", "has another size than its header")
    return found


def _image(at: Opened) -> ImagePixel:
    return image_pixel(at.view, at.start, at.transfer_syntax)


def _rescaling(at: Opened) -> Described:
    return described(at.view, start=at.start, implicit=at.implicit, wanted=(_SLOPE, _INTERCEPT))


def _kind(frames: Sequence[FrameHeader], objects: Mapping[str, _Object]) -> np.dtype[Any]:
    """Return int16 where every value is a whole number that fits it, else float32."""
    whole = all(_fits(objects[one.frame.sop_instance_uid], one.frame.number) for one in frames)
    return np.dtype(np.int16 if whole else np.float32)


def _fits(stored: _Object, number: int) -> bool:
    slope, intercept = stored.rescale(number)
    bits = stored.image.bits_stored or stored.image.bits
    return slope == 1.0 and intercept == 0.0 and bits <= (16 if stored.image.pixel_representation else 15)


def _slice(stored: _Object, number: int, kind: np.dtype[Any]) -> NDArray[Any]:
    with opened(stored.stored) as at:
        values = grey_frame(stored.image, at.view, number - 1, at.transfer_syntax)
        slope, intercept = stored.rescale(number)
        if (slope, intercept) == (1.0, 0.0):
            return values.astype(kind)
        return (values.astype(np.float32) * np.float32(slope) + np.float32(intercept)).astype(kind)
