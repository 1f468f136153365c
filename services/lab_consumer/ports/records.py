"""What is kept: versions of resources, what they state about a patient, and what was not accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.domain.facts import Fact, Tumour
from shared.domain.identity import Demographics, PatientIdentity
from shared.domain.slide_orders import SlideOrder


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one resource, as it is kept."""

    resource_type: str
    resource_id: str
    version: str
    """``meta.versionId`` under which this content first came, or the digest where there is none."""
    counted: str
    """Latest ``meta.versionId`` seen with this content; empty where there is none."""
    digest: str
    """sha256 (hex) of the content that counts: without narrative, notes and server bookkeeping."""
    last_updated: str
    """``meta.lastUpdated``; empty where there is none."""
    subject: str
    """``Patient/id`` it is about (a Patient: itself); empty where it names an identity itself, or nobody."""
    identity: PatientIdentity | None
    """Whom it identifies (Patient) or is about by identifier; None elsewhere."""
    needs: str
    """``Medication/id`` without which it cannot be read; empty otherwise."""
    content: Mapping[str, Any] | None
    """None: deleted, or replaced by something that could not be read."""

    @property
    def source(self) -> str:
        """Return ``Type/id``."""
        return f"{self.resource_type}/{self.resource_id}"


LEAVES = frozenset({"Observation", "MedicationRequest", "MedicationAdministration", "MedicationStatement", "Procedure"})
"""Types of resources that state facts of their own, and that say nothing about any other resource's facts."""


class StatementKind(StrEnum):
    """What kind of thing is known about a patient."""

    FACT = "fact"
    TUMOUR = "tumour"
    DEMOGRAPHICS = "demographics"
    PATIENT = "patient"
    """The value is the Patient's reference."""
    ORDER = "order"
    """A slide that is ordered; the key is the order's id."""
    PROBLEM = "problem"
    """Something stored that cannot be used; the value is the reason, the key ``source element``."""


Value = Fact | Tumour | Demographics | SlideOrder | str


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing known about a patient, told apart by kind and key; ``value`` None: known no longer."""

    kind: StatementKind
    key: str
    value: Value | None

    @property
    def source(self) -> str:
        """Return ``Type/id`` of the leaf that states it; empty where it takes several resources to know it, or no leaf.

        What a Condition states is looked at with everything that may point at it.
        """
        if self.kind not in (StatementKind.FACT, StatementKind.PROBLEM):
            return ""
        stated = self.key.partition("#" if self.kind is StatementKind.FACT else " ")[0]
        return stated if stated.partition("/")[0] in LEAVES else ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that was received and not accepted."""

    source: str
    element: str
    code: str
    reason: str
    time: datetime
