"""DIMSE services beside C-STORE and C-ECHO, plugged into a door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Command:
    """A DIMSE request (PS3.7 chapters 9 and 10); absent elements are empty, or 0."""

    field: int
    """Command Field (0000,0100)."""
    message_id: int
    has_data_set: bool
    sop_class_uid: str = ""
    """Affected (0000,0002), else Requested SOP Class UID (0000,0003)."""
    sop_instance_uid: str = ""
    """Affected (0000,1000), else Requested SOP Instance UID (0000,1001)."""
    number: int = 0
    """Action Type ID (0000,1008)."""


@dataclass(frozen=True, slots=True)
class ServiceCall:
    """One request to a plugged-in service."""

    command: Command
    abstract_syntax: str
    transfer_syntax: str
    sender: str
    """Calling AE title."""
    association: int
    data_set: bytes
    """Encoded in ``transfer_syntax``; empty where the request has none."""


class CommandService(Protocol):
    """A service of its own presentation contexts, for example the Storage Commitment Push Model as SCP."""

    @property
    def abstract_syntaxes(self) -> tuple[str, ...]:
        """SOP classes it is negotiated for, uncompressed transfer syntaxes only."""
        ...

    def handle(self, call: ServiceCall) -> int:
        """Return the status of the response once the request is durable; called on the association's thread."""
        ...
