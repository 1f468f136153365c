"""A mask picture over the whole slide, PNG or TIFF: two values, the larger one is tumour."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, UnidentifiedImageError

from services.model_factory.handlers.patches.annotation import Annotation
from shared.domain.errors import InvalidInputError

MOST_PIXELS = 10**9


def read_mask(content: bytes) -> Annotation:
    """Return the mask; its scale follows from the slide's size, whose shape it must have.

    Raises:
        InvalidInputError: If it is no picture of one channel with 0 and one other value, or holds no tumour.
    """
    values = _values(content)
    found = np.unique(values)
    if len(found) > 2 or found[0] != 0:
        raise InvalidInputError("annotation", "is a mask of other values than 0 and one more: which is tumour?")
    if len(found) < 2:
        raise InvalidInputError("annotation", "is a mask without tumour")
    return Annotation(mask=values > 0)


def _values(content: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "TIFF")) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise InvalidInputError("annotation", f"is a mask of more than {MOST_PIXELS:.0e} pixels")
            if picture.mode not in {"1", "L", "P"}:
                raise InvalidInputError("annotation", f"is a picture of kind {picture.mode}; a mask has one channel")
            return np.asarray(picture.convert("L") if picture.mode == "1" else picture, dtype=np.uint8)
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError, SyntaxError) as error:
        raise InvalidInputError("annotation", "is no PNG or TIFF picture") from error
