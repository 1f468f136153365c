"""One hostile input, and how a door may end it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Ending(StrEnum):
    """What the sender saw."""

    TAKEN = "taken"
    """Success: stored. Whether anybody draws conclusions from it is asked of ledger and facts, not of the door."""
    REFUSED = "refused"
    """A coded reason: DIMSE status, A-ASSOCIATE-RJ, A-ABORT, an HTTP status of 400 and above, MSA-1 AE or AR."""
    CLOSED = "closed"
    """The connection ended without a word; nobody is owed one whose input itself ended early. Counted by itself."""
    SILENT = "silent"
    """No answer where one was owed, in the time a door gives itself."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How it ended."""

    ending: Ending
    code: str = ""


@dataclass(frozen=True, slots=True)
class Doors:
    """Where to send."""

    dicom_port: int
    http_port: int
    token: str
    stow_port: int = 0
    """0: this listener has no STOW-RS door."""
    stow_token: str = ""
    mllp_port: int = 0
    patience_s: float = 12.0
    """Longest wait for an answer; above every timeout of the doors under test."""


@dataclass(frozen=True, slots=True)
class Attack:
    """One case."""

    door: str
    """``pdu``, ``c-store``, ``stow``, ``fhir``, ``http``, ``mllp`` or ``clinging`` (several)."""
    kind: str
    strike: Callable[[Doors], Answer]


Maker = Callable[[random.Random, int], Attack]
"""Makes the case of a number; the same chance, the same case."""
