"""Look at the pixel data of what was stored, in the jail, and tell a person what cannot be read.

It holds nothing up: a study is complete without it, and a prediction that needs no pixels does not wait for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from services.dicom_listener.ports.records import InstanceStored, NoticeRaised, PixelsChecked, Record
from services.dicom_listener.ports.stores import Catalogue, PixelReader
from shared.dicom.pixels import PixelCheck

log = structlog.get_logger("oncorelay.dicom_listener")

PIXELS_KIND = "dicom_pixels_unreadable"
"""Notice: the pixel data of a stored object is not there as declared, or cannot be decoded."""
_BATCH = 16
_BATCHES_PER_STEP = 20


@dataclass(frozen=True, slots=True)
class CheckPixels:
    """One step looks at what nobody has looked at; runs on one thread."""

    catalogue: Catalogue
    pixels: PixelReader
    now: Callable[[], datetime]

    def __call__(self) -> None:
        """Check batches until nothing is left, or enough were checked for one step.

        Raises:
            OncoRelayError: If something cannot be read or recorded now; it stays unchecked.
        """
        for _ in range(_BATCHES_PER_STEP):
            instances = self.catalogue.unchecked(_BATCH)
            if not instances:
                return
            checks = self.pixels.check(instances)
            self.catalogue.record(*self._records(instances, checks))

    def _records(self, instances: tuple[InstanceStored, ...], checks: tuple[PixelCheck, ...]) -> list[Record]:
        stamp = self.now().isoformat()
        records: list[Record] = []
        for instance, check in zip(instances, checks, strict=True):
            records.append(_record(instance, check, stamp))
            if not check.sound:
                log.warning("pixels_unreadable", outcome=check.outcome.value)
                records.append(_notice(instance, check, stamp))
        return records


def _record(instance: InstanceStored, check: PixelCheck, stamp: str) -> PixelsChecked:
    return PixelsChecked(
        sop_instance_uid=instance.sop_instance_uid,
        study_instance_uid=instance.study_instance_uid,
        content_digest=instance.content_digest,
        outcome=check.outcome.value,
        reason=check.reason,
        time=stamp,
    )


def _notice(instance: InstanceStored, check: PixelCheck, stamp: str) -> NoticeRaised:
    """Return one notice per series and outcome, however many of its objects are concerned."""
    series = instance.series_instance_uid
    text = (
        f"Pixel data in series {series} of study {instance.study_instance_uid} cannot be used ({check.reason}); first "
        f"found in SOP Instance UID {instance.sop_instance_uid}. The objects are stored as they came. Predictions that "
        "need their pixels cannot rest on them."
    )
    identifier = "pixels-" + hashlib.sha256(f"{series}|{check.outcome.value}".encode()).hexdigest()[:40]
    return NoticeRaised(identifier, PIXELS_KIND, text, stamp)
