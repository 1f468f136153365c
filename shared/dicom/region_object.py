"""Open an object that holds regions, within bounds; ours are recognised and left alone."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from pydicom import dcmread
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.uid import RTStructureSetStorage, SegmentationStorage

from shared.dicom.elements import walk
from shared.dicom.own_output import MANUFACTURER
from shared.dicom.part10 import MAX_META_BYTES, file_meta
from shared.dicom.stored_object import StoredObject
from shared.dicom.transfer_syntaxes import COMPRESSED, UNCOMPRESSED, is_implicit
from shared.domain.errors import InvalidInputError

_LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.7"  # Label Map Segmentation Storage (PS3.4 B.5); pydicom has no name for it
SEGMENTATIONS: frozenset[str] = frozenset({str(SegmentationStorage), _LABEL_MAP})
STRUCTURE_SETS: frozenset[str] = frozenset({str(RTStructureSetStorage)})
REGION_CLASSES = SEGMENTATIONS | STRUCTURE_SETS
"""SOP Class UIDs of objects that hold regions."""
LARGEST_BYTES = 1 << 29
"""Of one object: 2,000 frames of 512 x 512 in eight bits fit."""
MOST_ELEMENTS = 2_000_000
_HEAD = 1 << 12
_WHOLE_META = MAX_META_BYTES + 256


def holds_regions(stored: StoredObject) -> bool:
    """Tell by its first bytes whether the object is a segmentation or a structure set."""
    try:
        meta = file_meta(memoryview(_content(stored, _HEAD))) or file_meta(memoryview(_content(stored, _WHOLE_META)))
    except (InvalidInputError, OSError):
        return False
    return meta is not None and meta.sop_class_uid in REGION_CLASSES


def open_region_object(stored: StoredObject) -> Dataset:
    """Return the data set of an object.

    Raises:
        InvalidInputError: If it is too large, too deep, or not a DICOM object this system reads.
    """
    content = _content(stored, LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise InvalidInputError("object", f"more than {LARGEST_BYTES >> 20} MB")
    data = memoryview(content)
    meta = file_meta(data)
    if meta is None or meta.transfer_syntax not in (*UNCOMPRESSED, *COMPRESSED):
        raise InvalidInputError("transfer syntax", "is none that is read here")
    for count, _ in enumerate(walk(data, start=meta.end, implicit=is_implicit(meta.transfer_syntax))):
        if count > MOST_ELEMENTS:
            raise InvalidInputError("data set", f"more than {MOST_ELEMENTS} elements")
    with as_found():
        return dcmread(io.BytesIO(content))


def is_ours(data_set: Dataset, device_uid: str = "") -> bool:
    """Tell whether this system wrote it (system rule 8); any of its marks suffices, an archive may drop one."""
    creators = {str(data_set.get("InstanceCreatorUID", "")), str(data_set.get("DeviceUID", ""))} - {""}
    return str(data_set.get("Manufacturer", "")).strip() == MANUFACTURER or device_uid in creators


@contextmanager
def as_found() -> Iterator[None]:
    """Let values that break the standard pass without warnings, and turn whatever they raise into a reason.

    Raises:
        InvalidInputError: Where the body fails over what it reads.
    """
    try:
        with warnings.catch_warnings(), disable_value_validation():  # its warnings quote values, and are logged
            warnings.simplefilter("ignore")
            yield
    except (InvalidInputError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - parsers raise anything over foreign bytes
        raise InvalidInputError("object", f"cannot be read ({type(error).__name__})") from None


def _content(stored: StoredObject, most: int) -> bytes:
    with stored.path.open("rb") as stream:
        stream.seek(stored.offset)
        return stream.read(most if stored.length is None else min(most, stored.length))
