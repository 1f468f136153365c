"""A door on a real inbox, in this process; what it tells is recorded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path

from services.dicom_listener.adapters.door_settings import Behind, DoorSettings
from services.dicom_listener.adapters.doors import STORAGE_CLASSES, door_named
from services.dicom_listener.adapters.segments import Segments
from services.dicom_listener.handlers.admission import Admission, AdmissionRules
from services.dicom_listener.handlers.intake import Intake
from services.dicom_listener.ports.inbox import Inbox
from services.dicom_listener.ports.receiving import Door
from services.dicom_listener.ports.services import CommandService
from shared.dicom.transfer_syntaxes import COMPRESSED, UNCOMPRESSED
from shared.testing.arrivals import Gate, RecordedArrivals
from shared.testing.dicom import Sender
from shared.testing.ports import wait_until

SENDERS = ("PACS", "STORESCU", "ECHOSCU", "DCMSEND")


@dataclass
class Standing:
    """A door that listens, and what stands around it."""

    kind: str
    folder: Path
    settings: DoorSettings
    rules: AdmissionRules
    segments: Segments
    arrivals: RecordedArrivals
    gate: Gate
    door: Door

    @property
    def port(self) -> int:
        return self.door.port

    @property
    def sender(self) -> Sender:
        return Sender(self.port)

    def ended(self, count: int = 1) -> list[bool]:
        """Wait until ``count`` associations are over; return which were released."""
        wait_until(lambda: len(self.arrivals.named("ended")) >= count, "the end of the associations")
        return [call[2] for call in self.arrivals.named("ended")]


def stand(
    kind: str,
    folder: Path,
    *,
    inbox: Inbox | None = None,
    services: tuple[CommandService, ...] = (),
    rules: AdmissionRules | None = None,
    **changes: object,
) -> Standing:
    """Start a door; the caller stops it."""
    segments = Segments(folder / "segments")
    segments.prepare()
    arrivals, gate = RecordedArrivals(), Gate()
    rules = rules or permissive()
    settings = DoorSettings(
        ae_title="ONCORELAY",
        storage_classes=STORAGE_CLASSES,
        transfer_syntaxes=(*UNCOMPRESSED, *COMPRESSED),
        calling_ae_titles=SENDERS,
        spool_folder=folder / "incoming",
        stop_grace_s=1.0,
    )
    settings = replace(settings, **changes)  # type: ignore[arg-type]
    behind = Behind(Admission(rules, gate), Intake(inbox or segments, arrivals, gate), services)
    door = door_named(kind, settings, behind)
    door.start()
    return Standing(kind, folder, settings, rules, segments, arrivals, gate, door)


def permissive() -> AdmissionRules:
    return AdmissionRules("ONCORELAY", frozenset(SENDERS), (ip_network("127.0.0.0/8"),), 32, 32, 0)
