"""Wiring of the listener; the only room that names concrete adapters."""

from __future__ import annotations

from services.dicom_listener.app.listener import Listener, build

__all__ = ["Listener", "build"]
