"""Recognise our own objects in whatever door they come back (system rule 8: our output is never our input)."""

from __future__ import annotations

from shared.dicom.header import Header

MANUFACTURER = "OncoRelay"
"""Manufacturer (0008,0070) of every object this project writes."""


def is_own_output(header: Header, device_uid: str) -> bool:
    """Tell whether the object was written by the device ``device_uid`` (``site.device_uid``).

    Any of three marks suffices, because archives may drop one: Instance Creator UID (0008,0014); Manufacturer
    together with Device UID (0018,1002); for SR a device observer UID below the root (PS3.16 TID 1004).
    """
    return (
        header.instance_creator_uid == device_uid
        or (header.manufacturer == MANUFACTURER and header.device_uid == device_uid)
        or device_uid in header.observers
    )
