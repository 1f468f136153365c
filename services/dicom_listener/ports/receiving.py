"""What a door hands in and what it must answer; the C-STORE server behind it can be replaced."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Received:
    """One object as it came, spooled to disk as a DICOM file, nothing parsed."""

    spooled: Path
    """The file; it belongs to the door, which removes what is left of it after the answer."""
    transfer_syntax: str
    sop_class_uid: str
    """Affected SOP Class UID of the C-STORE request."""
    sop_instance_uid: str
    """Affected SOP Instance UID of the C-STORE request."""
    association: int
    sender: str
    """Calling AE title."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status of a C-STORE response (PS3.4 B.2.3)."""

    status: int
    comment: str = ""
    """Error Comment (0000,0902), at most 64 characters, without identifying data."""

    @property
    def success(self) -> bool:
        """Tell whether the sender may forget the object."""
        return self.status == 0


SUCCESS = Answer(0x0000)
OUT_OF_RESOURCES = 0xA700
"""Refused: Out of Resources; the sender should try again (PS3.4 table B.2-1)."""
DOES_NOT_MATCH = 0xA900
"""Error: Data Set does not match SOP Class (PS3.4 table B.2-1)."""
CANNOT_UNDERSTAND = 0xC000
"""Error: Cannot Understand (PS3.4 table B.2-1)."""
PROCESSING_FAILURE = 0x0110
"""Processing failure (PS3.7 annex C.5.7)."""


class Door(Protocol):
    """A C-STORE server."""

    @property
    def port(self) -> int:
        """Port it listens on, once started."""
        ...

    @property
    def tls_port(self) -> int:
        """Port it listens on with TLS, once started; 0 where it does not."""
        ...

    def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: If the address cannot be bound.
        """
        ...

    def stop(self) -> None:
        """Accept nothing new, let open associations finish for a while, then abort them."""
        ...
