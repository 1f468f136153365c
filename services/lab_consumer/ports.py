"""What the lab consumer needs from its database and from results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from shared.domain.errors import PermanentError, UnavailableError
from shared.domain.facts import Fact, Tumour
from shared.domain.governance import PatientChange
from shared.domain.identity import Demographics, PatientIdentity
from shared.domain.slides import SlideOrder
from shared.domain.study import Study


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


@dataclass(frozen=True, slots=True)
class Announcement:
    """Word that a patient's facts changed, on its way to results."""

    sequence: int
    request_id: str
    identity: PatientIdentity
    tries: int


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """Word of a change of patients, on its way to results."""

    sequence: int
    request_id: str
    change: PatientChange
    tries: int


@dataclass(frozen=True, slots=True)
class Measured:
    """A value a panel may be made of: which, and of which day."""

    fact_id: str
    name: str
    """``FactName``."""
    effective_date: date


@dataclass(frozen=True, slots=True)
class Panel:
    """Values of one draw under one id; what of it results must know is told through the outbox."""

    uid: str
    identity: PatientIdentity
    """Whose it was when it was opened: results itself follows merges from there."""
    analytes: tuple[str, ...]
    """``FactName`` of what makes such a panel, sorted."""
    first: date
    last: date
    facts: frozenset[str]
    """``fact_id`` of its values."""
    opened_time: datetime
    taken_back: str = ""
    """Why there is no such draw any more; empty where there is."""


@dataclass(frozen=True, slots=True)
class PanelReport:
    """A panel on its way to results."""

    request_id: str
    panel: Panel
    tries: int


@dataclass(frozen=True, slots=True)
class OrderReport:
    """An order for a slide on its way to slide ingestion."""

    request_id: str
    order: SlideOrder
    tries: int


class Writing(Protocol):
    """One transaction. Writers take turns, so ``now`` grows with every commit and the past never changes."""

    @property
    def now(self) -> datetime:
        """The recorded time of everything written here."""
        ...

    def head(self, resource_type: str, resource_id: str) -> Version | None:
        """Return the current version of a resource."""
        ...

    def append(self, version: Version) -> None:
        """Add a version and make it the current one."""
        ...

    def touch(self, version: Version) -> None:
        """Remember ``counted`` and ``last_updated``, although the content is the same."""
        ...

    def owner(self, version: Version) -> PatientIdentity | None:
        """Return whom a version is about; None while that Patient is unknown or unmapped."""
        ...

    def owners_needing(self, reference: str) -> tuple[PatientIdentity, ...]:
        """Return whose resources cannot be read without ``reference``."""
        ...

    def about(self, identity: PatientIdentity, leaves: frozenset[str] | None = None) -> tuple[Version, ...]:
        """Return the current resources, with content, about a patient and whoever was merged into her; Patients too.

        Nothing is about an identity that was merged into another one. With ``leaves`` (``Type/id`` each): of the
        resources that state facts only these, so that a long record costs no more than a short one.
        """
        ...

    def surviving(self, identity: PatientIdentity) -> PatientIdentity:
        """Return the identity that ``identity`` was merged into, over several steps; itself where it was not."""
        ...

    def merged_into(self, identity: PatientIdentity) -> PatientIdentity | None:
        """Return the identity that ``identity`` was merged into, in one step; None where it was not."""
        ...

    def change(self, change: PatientChange) -> None:
        """Record a change of patients, to be told to results."""
        ...

    def waiting_for(self, reference: str) -> tuple[Version, ...]:
        """Return the current Patients whose link points at ``reference``."""
        ...

    def stated(self, identity: PatientIdentity, sources: frozenset[str] | None = None) -> tuple[Statement, ...]:
        """Return what is known now; with ``sources`` only what these state (see ``Statement.source``)."""
        ...

    def state(self, identity: PatientIdentity, statements: Sequence[Statement]) -> None:
        """Add what is known from now on."""
        ...

    def announce(self, identity: PatientIdentity) -> None:
        """Put an announcement into the outbox."""
        ...

    def measure(
        self, identity: PatientIdentity, values: Sequence[Measured], gone: Sequence[str], span: timedelta
    ) -> tuple[Measured, ...]:
        """Replace the values that changed and remove those that are gone (``fact_id``).

        Returns:
            Every value that lies near one of these, was or is, or near one that does, and so on: each at most ``span``
            from the next.
        """
        ...

    def panels(self, identity: PatientIdentity) -> tuple[Panel, ...]:
        """Return the panels of a patient and of whoever is merged into her, those taken back included."""
        ...

    def keep_panel(self, panel: Panel, *, submit: bool) -> None:
        """Write a panel; with ``submit`` put it into the outbox."""
        ...

    def hand_over(self, order: SlideOrder, *, only_of: PatientIdentity | None = None) -> None:
        """Put an order, as it is now, into the outbox; with ``only_of`` not where it is another identity's by now."""
        ...

    def refuse(self, refusal: Refusal) -> None:
        """Record a refusal."""
        ...

    def told(self, version: Version, code: str) -> bool:
        """Tell whether a refusal of this code was recorded for a resource since this version of it came."""
        ...


class FactStore(Protocol):
    """The lab consumer's database.

    Every method raises ``UnavailableError`` where it cannot be reached and ``OutOfResourcesError`` where it is full.
    """

    def writing(self) -> AbstractContextManager[Writing]:
        """Open one transaction: committed at the end of the block, rolled back by an exception."""
        ...

    def together(self) -> AbstractContextManager[None]:
        """Open one transaction around every ``writing`` of this thread: nothing of them is committed before the end.

        An exception that leaves one ``writing`` undoes that one; one that leaves the block undoes all of them.
        """
        ...

    def known(self, identity: PatientIdentity, as_of: datetime) -> tuple[Statement, ...]:
        """Return what was known at ``as_of``; whatever commits later has a later recorded time."""
        ...

    def refusals(self, limit: int) -> tuple[Refusal, ...]:
        """Return refusals, newest first."""
        ...


class Outbox(Protocol):
    """Announcements that are due."""

    def due(self, now: datetime) -> tuple[Announcement, ...]:
        """Return the newest due announcement of each patient, oldest first; none while a change of patients is open."""
        ...

    def announced(self, announcements: Sequence[Announcement], now: datetime) -> None:
        """Settle them, and the older ones of the same patients, at once."""
        ...

    def postpone(self, announcement: Announcement, until: datetime) -> None:
        """Try again at ``until``."""
        ...

    def changes_due(self, now: datetime) -> tuple[ChangeReport, ...]:
        """Return the changes to tell now, oldest first: none that stands behind one which is not due."""
        ...

    def change_announced(self, report: ChangeReport, now: datetime) -> None:
        """Settle it."""
        ...

    def postpone_change(self, report: ChangeReport, until: datetime) -> None:
        """Try again at ``until``."""
        ...

    def panels_due(self, now: datetime) -> tuple[PanelReport, ...]:
        """Return the due panels, oldest first; none while a change of patients is open."""
        ...

    def panel_submitted(self, report: PanelReport, now: datetime) -> None:
        """Settle it, unless the panel has changed since."""
        ...

    def postpone_panel(self, report: PanelReport, until: datetime) -> None:
        """Try again at ``until``."""
        ...

    def tell(self, reason: str, now: datetime) -> None:
        """Show a person, among the refusals, that something cannot be announced."""
        ...


class OrderOutbox(Protocol):
    """Orders for slides that are due."""

    def due(self, now: datetime) -> tuple[OrderReport, ...]:
        """Return the due orders, oldest first."""
        ...

    def recorded(self, report: OrderReport, now: datetime) -> None:
        """Settle it, unless the order has changed since."""
        ...

    def postpone(self, report: OrderReport, until: datetime) -> None:
        """Try again at ``until``."""
        ...

    def tell(self, reason: str, now: datetime) -> None:
        """Show a person, among the refusals, that an order cannot be handed over."""
        ...


class SlideOrders(Protocol):
    """Who ingests slides."""

    def record_order(self, request_id: str, order: SlideOrder) -> None:
        """Record an order, a newer version of it, or its withdrawal.

        Raises:
            OncoRelayError: If it was not taken.
        """
        ...


class Results(Protocol):
    """Who wants to know."""

    def announce_facts(self, request_id: str, identity: PatientIdentity) -> int:
        """Say that facts changed; return how many cases are looked at again.

        Raises:
            OncoRelayError: If it was not taken.
        """
        ...

    def submit_panel(self, request_id: str, panel: Study) -> tuple[str, ...]:
        """Hand over a panel; return its cases.

        Raises:
            OncoRelayError: If it was not taken.
        """
        ...

    def report_patient_change(self, request_id: str, change: PatientChange) -> tuple[int, int]:
        """Say that identities changed; return (results taken back, cases asked again).

        Raises:
            OncoRelayError: If it was not taken.
        """
        ...


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing to ask of the FHIR server: a resource by its id, or whatever it holds about an identity."""

    resource_type: str = ""
    resource_id: str = ""
    identity: PatientIdentity | None = None
    wishes: int = 0
    """How often it was wished for so far: what is wished again while it is asked stays open."""
    tries: int = 0


class PullQueue(Protocol):
    """What is to be asked of the FHIR server, and how far it was asked. Durable; raises like ``FactStore``."""

    def want(self, wishes: Sequence[Wish], now: datetime) -> int:
        """Remember wishes, due at once; return how many are new. An identity is wished for once and never again."""
        ...

    def due(self, now: datetime, limit: int) -> tuple[Wish, ...]:
        """Return wishes that are due, oldest first."""
        ...

    def settle(self, wish: Wish, now: datetime) -> None:
        """A wish is fulfilled, unless it came again meanwhile."""
        ...

    def postpone(self, wish: Wish, until: datetime) -> None:
        """Try again at ``until``."""
        ...

    def waiting(self) -> int:
        """Return how many wishes are open."""
        ...

    def cursor(self, resource_type: str) -> str:
        """Return ``meta.lastUpdated`` up to which this type was polled; empty: never."""
        ...

    def advance(self, resource_type: str, since: str) -> None:
        """Remember how far this type was polled."""
        ...

    def event(self, subscription: str) -> int | None:
        """Return the number of the last event heard of a subscription; None: none was."""
        ...

    def heard(self, subscription: str, event: int) -> None:
        """Remember it."""
        ...


class BusyError(UnavailableError):
    """The FHIR server asks us to come back later: in ``after_s`` seconds, 0 where it does not say."""

    def __init__(self, reason: str, after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.after_s = after_s


class FhirSource(Protocol):
    """The configured FHIR server, read only. No URL of a message is ever followed, but a next page of its own.

    Every method raises ``UnavailableError`` where it cannot be asked now and ``PermanentError`` where it refuses.
    """

    def read(self, resource_type: str, resource_id: str) -> bytes | None:
        """Return a resource; None where there is none of this id.

        Raises:
            GoneError: If it was deleted.
        """
        ...

    def changed(self, resource_type: str, since: str, page_size: int) -> bytes:
        """Return the first page (a Bundle) of what changed after ``since`` (a FHIR instant), oldest first."""
        ...

    def search(self, resource_type: str, parameters: Sequence[tuple[str, str]]) -> bytes:
        """Return the first page of a search whose parameters stand in no URL."""
        ...

    def capability(self) -> bytes:
        """Return the server's CapabilityStatement."""
        ...

    def page(self, link: str) -> bytes:
        """Return another page by ``Bundle.link`` with relation next.

        Raises:
            PermanentError: If the link leads to another server.
        """
        ...


class GoneError(PermanentError):
    """The resource was deleted (HTTP 410)."""
