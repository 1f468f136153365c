"""The bytes an erasure removes: single objects, the quarantine, and what nobody refers to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.dicom_listener.adapters.object_ranges import ObjectRanges
from services.dicom_listener.adapters.segment_sweep import SegmentSweep


@dataclass(frozen=True, slots=True)
class ErasableObjects:
    """Implements ``ports.erasure.Objects``."""

    ranges: ObjectRanges
    sweeping: SegmentSweep

    def erase(self, uri: str) -> None:
        """Erase an object and its header page."""
        self.ranges.erase(uri)

    def remove_quarantined(self, name: str) -> None:
        """Remove an object from the quarantine."""
        self.ranges.remove_quarantined(name)

    def patient_of_quarantined(self, name: str) -> tuple[str, str] | None:
        """Return Patient ID and issuer as the bytes spell them."""
        return self.ranges.patient_of_quarantined(name)

    def quarantined_contains(self, name: str, text: str) -> bool:
        """Tell whether the bytes hold a text."""
        return self.ranges.quarantined_contains(name, text)

    def sweep(self, sops: Sequence[str]) -> None:
        """Erase what nobody refers to."""
        self.sweeping.sweep(sops)
