"""What runs inside the jail: reading objects and looking at their pixels. Plain values in, plain values out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from shared.dicom.fingerprint import fingerprint
from shared.dicom.part10 import data_set_start, file_meta
from shared.dicom.pixels import PixelCheck, PixelOutcome, check_pixels
from shared.dicom.transfer_syntaxes import is_implicit
from shared.domain.errors import InvalidInputError
from shared.storage.ranges import Mapped, place_of


def read_objects(objects: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return for each (URI, transfer syntax) its fingerprint as a tree, ``{"reason": ...}``, or ``{"absent": True}``.

    Absent: the file is not there, or is not given back, now.
    """
    return [_read(uri, syntax) for uri, syntax in objects]


def check_objects(uris: Sequence[str]) -> list[dict[str, Any]]:
    """Return for each URI the check of its pixel data as a tree, or ``{"absent": True}``."""
    return [_check(uri) for uri in uris]


def _read(uri: str, syntax: str) -> dict[str, Any]:
    try:
        with place_of(uri).mapped() as mapped:
            return asdict(_fingerprint(mapped, syntax))
    except InvalidInputError as error:
        return {"reason": str(error)}
    except OSError:
        return {"absent": True}


def _fingerprint(mapped: Mapped, syntax: str) -> Any:
    start = data_set_start(mapped.view)
    return fingerprint(mapped.view, start=start, implicit=is_implicit(syntax), forget=mapped.forget)


def _check(uri: str) -> dict[str, Any]:
    try:
        with place_of(uri).mapped() as mapped:
            return asdict(_pixels(mapped.view))
    except InvalidInputError as error:
        return asdict(PixelCheck(PixelOutcome.NOT_LOOKED_AT, error.reason))
    except OSError:
        return {"absent": True}


def _pixels(view: memoryview) -> PixelCheck:
    meta = file_meta(view)
    if meta is None:
        return PixelCheck(PixelOutcome.NOT_LOOKED_AT, "the file meta information is cut off")
    return check_pixels(view, start=meta.end, transfer_syntax=meta.transfer_syntax)
