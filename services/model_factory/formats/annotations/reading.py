"""An annotation, whatever wrote it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.model_factory.formats.annotations.asap import read_asap
from services.model_factory.formats.annotations.geojson import read_geojson
from services.model_factory.formats.annotations.mask import read_mask
from services.model_factory.handlers.patches.annotation import Annotation
from shared.domain.errors import InvalidInputError

MOST_BYTES = 256 * 2**20
READERS: Mapping[str, Callable[[bytes], Annotation]] = {
    ".geojson": read_geojson,
    ".json": read_geojson,
    ".xml": read_asap,
    ".png": read_mask,
    ".tif": read_mask,
    ".tiff": read_mask,
}


def read_annotation(content: bytes, suffix: str) -> Annotation:
    """Return the tumour of one slide.

    Args:
        content: Of the file.
        suffix: Of its name, with the dot.

    Raises:
        InvalidInputError: With the reason, never with the file's name, which may be a patient's.
    """
    reader = READERS.get(suffix.lower())
    if reader is None:
        raise InvalidInputError("annotation", f"{suffix or 'no ending'} is none of {', '.join(READERS)}")
    if len(content) > MOST_BYTES:
        raise InvalidInputError("annotation", f"has more than {MOST_BYTES >> 20} MiB")
    return reader(content)
