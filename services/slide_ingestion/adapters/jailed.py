"""What runs inside the jail: the headers and digests of DICOM files nobody vouches for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from shared.dicom.fingerprint import Fingerprint, fingerprint
from shared.dicom.part10 import file_meta
from shared.dicom.transfer_syntaxes import is_implicit
from shared.domain.errors import InvalidInputError
from shared.storage.ranges import Mapped, place_of


def read_files(uris: Sequence[str]) -> list[dict[str, Any]]:
    """Return for each file its fingerprint as a tree, or ``{"reason": ...}`` without a value of it."""
    return [_read(uri) for uri in uris]


def _read(uri: str) -> dict[str, Any]:
    try:
        with place_of(uri).mapped() as mapped:
            return asdict(_fingerprint(mapped))
    except (InvalidInputError, OSError):
        return {"reason": "A file of the slide is no whole DICOM object"}


def _fingerprint(mapped: Mapped) -> Fingerprint:
    meta = file_meta(mapped.view)
    if meta is None:
        raise InvalidInputError("file", "has no file meta information")
    return fingerprint(mapped.view, start=meta.end, implicit=is_implicit(meta.transfer_syntax), forget=mapped.forget)
