"""What every DICOM door stands on, and which door it is."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.dicom_listener.handlers.admission import Admission
from services.dicom_listener.handlers.intake import Intake
from services.dicom_listener.ports.services import CommandService
from shared.dicom.transfer_syntaxes import UNCOMPRESSED


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """See ``config.Settings``."""

    ae_title: str
    storage_classes: tuple[str, ...]
    """SOP classes that are stored."""
    transfer_syntaxes: tuple[str, ...]
    """What they may come in, preferred first."""
    calling_ae_titles: tuple[str, ...]
    spool_folder: Path
    """Where a door that cannot write into the inbox directly keeps an object while it comes in."""
    host: str = "127.0.0.1"
    port: int | None = 0
    """Without TLS; None: no such port."""
    tls_port: int = 0
    tls: ssl.SSLContext | None = None
    """With it, ``tls_port`` is listened on as well."""
    max_associations: int = 32
    max_waiting: int = 64
    """Connections that have no association yet, or none any more."""
    max_per_address: int = 48
    """Connections of one address, whatever they are doing."""
    max_object_bytes: int = 2 << 30
    acse_timeout_s: float = 10.0
    network_timeout_s: float = 60.0
    stop_grace_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Behind:
    """What a door hands everything to."""

    admission: Admission
    intake: Intake
    services: tuple[CommandService, ...] = ()
    by_syntax: Mapping[str, CommandService] = field(init=False)
    """Abstract syntax -> plugged-in service."""

    def __post_init__(self) -> None:
        found = {syntax: service for service in self.services for syntax in service.abstract_syntaxes}
        object.__setattr__(self, "by_syntax", found)


VERIFICATION = "1.2.840.10008.1.1"
"""Verification SOP Class (C-ECHO)."""


def offered(settings: DoorSettings, behind: Behind) -> dict[str, tuple[str, ...]]:
    """Return abstract syntax -> transfer syntaxes of everything that is negotiated."""
    plain = tuple(str(syntax) for syntax in UNCOMPRESSED)
    storage = dict.fromkeys(settings.storage_classes, settings.transfer_syntaxes)
    return storage | dict.fromkeys((VERIFICATION, *behind.by_syntax), plain)
