"""Pinned images from the blob store, and what is stored beside an answer in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shared.dicom.stored_object import StoredObject
from shared.domain.case import PinnedInstance, Pins
from shared.domain.errors import ConflictError, OutOfResourcesError
from shared.domain.identity import Side
from shared.domain.images import Artefact, ArtefactKind, AutomaticRegion, ImagingPolicy, PinnedRegion
from shared.imaging.artefacts import decode_region
from shared.imaging.dynamic import ImageTrouble
from shared.imaging.region import BreastImages
from shared.imaging.volume import Mask
from shared.storage.artefacts import artefact_store
from shared.storage.blobs import LocalBlobs

if TYPE_CHECKING:
    from shared.jail.breast_mri import JailedBreastMri

Read = Callable[[Sequence[StoredObject], AutomaticRegion, Mask | None, Side | None], BreastImages | ImageTrouble]
"""Objects, what the site does with an automatic region, a confirmed one, the side asked about."""


class JailedReader:
    """``Read`` in a child process with limits; nothing is started before the first study comes."""

    def __init__(self, device_uid: str) -> None:
        self._device_uid = device_uid
        """Ours: no region that we sent is taken for a reader's."""
        self._jailed: JailedBreastMri | None = None

    def __call__(
        self, objects: Sequence[StoredObject], automatic: AutomaticRegion, confirmed: Mask | None, side: Side | None
    ) -> BreastImages | ImageTrouble:
        """Return the images, or why there are none.

        Raises:
            TemporaryError: If no child can be started.
        """
        if self._jailed is None:
            from shared.jail.breast_mri import JailedBreastMri  # only a worker that measures images loads it

            self._jailed = JailedBreastMri(device_uid=self._device_uid)
        return self._jailed.read(objects, automatic=automatic, confirmed=confirmed, side=side)


@dataclass(frozen=True, slots=True)
class StoredStudies:
    """``Images`` over the blob store; the bytes are looked into by ``read`` alone."""

    blobs: LocalBlobs
    read_images: Read

    def read(self, pins: Pins) -> BreastImages | ImageTrouble:
        """Return the volumes and the region, or why there are none.

        Raises:
            NotFoundError: If an object that was pinned is gone.
            ConflictError: If the confirmed region is not the one that was pinned.
        """
        policy = pins.imaging or ImagingPolicy()
        confirmed = self._confirmed(pins.region) if pins.region else None
        objects = [self._object(one) for one in pins.instances]
        return self.read_images(objects, policy.automatic_region, confirmed, pins.side)

    def _object(self, one: PinnedInstance) -> StoredObject:
        place = self.blobs.place(one.blob_uri)
        return StoredObject(place.path, place.offset, place.length, one.blob_uri)

    def _confirmed(self, region: PinnedRegion) -> Mask:
        content = self.blobs.read(region.artefact.blob_uri)
        if hashlib.sha256(content).hexdigest() != region.artefact.digest:
            raise ConflictError("the stored region is not the one that a person confirmed")
        return decode_region(content)


@dataclass(frozen=True, slots=True)
class StoredArtefacts:
    """``Artefacts`` in the blob store, one folder per case."""

    root: Path

    def put(self, case_id: str, kind: ArtefactKind, content: bytes) -> Artefact:
        """Store it durably.

        Raises:
            OutOfResourcesError: If there is no room, or no right to write.
        """
        try:
            uri, digest = artefact_store(self.root, case_id).put(content)
        except OSError as error:
            raise OutOfResourcesError(f"what was drawn cannot be stored ({type(error).__name__})") from error
        return Artefact(kind, uri, digest)
