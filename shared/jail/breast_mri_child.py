"""What runs inside the jail to read a breast MRI study: paths in, a tree and a filled window out."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any

from shared.dicom.breast_mri import read_breast_images
from shared.dicom.stored_object import StoredObject
from shared.domain.identity import Side
from shared.domain.images import AutomaticRegion
from shared.imaging.artefacts import decode_region
from shared.jail.images_tree import packed_images
from shared.jail.window import Filling


def read_study(
    objects: list[list[Any]],
    automatic: str,
    confirmed: str,
    side: str,
    mask_files: list[str],
    device_uid: str,
    *,
    window: Filling,
) -> dict[str, Any]:
    """Return the tree of ``shared.jail.images_tree`` for the objects (path, offset, length, URI).

    ``confirmed`` holds a region's bytes in base 64; empty texts stand for nothing.
    """
    images = read_breast_images(
        [StoredObject(Path(path), offset, length, uri) for path, offset, length, uri in objects],
        automatic=AutomaticRegion(automatic),
        confirmed=decode_region(b64decode(confirmed)) if confirmed else None,
        side=Side(side) if side else None,
        mask_files=[Path(one) for one in mask_files],
        device_uid=device_uid,
        room=window.room,
    )
    return packed_images(images, window)
