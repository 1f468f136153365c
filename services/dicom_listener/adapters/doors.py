"""The two doors by name."""

from __future__ import annotations

from pynetdicom import AllStoragePresentationContexts

from services.dicom_listener.adapters.door_settings import Behind, DoorSettings
from services.dicom_listener.adapters.pynetdicom_door import PynetdicomDoor
from services.dicom_listener.adapters.upper_layer.door import UpperLayerDoor
from services.dicom_listener.ports.receiving import Door

STORAGE_CLASSES = tuple(str(context.abstract_syntax) for context in AllStoragePresentationContexts)
"""Every storage SOP class of PS3.4 annex B that pynetdicom knows."""


def door_named(kind: str, settings: DoorSettings, behind: Behind) -> Door:
    """Return the door: ``own``, or ``pynetdicom``, the reference and fallback."""
    return UpperLayerDoor(settings, behind) if kind == "own" else PynetdicomDoor(settings, behind)
