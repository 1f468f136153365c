"""The lab consumer's database."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol

from services.lab_consumer.ports.panels import Measured, Panel
from services.lab_consumer.ports.records import Refusal, Statement, Version
from shared.domain.governance import PatientChange
from shared.domain.identity import PatientIdentity
from shared.domain.slide_orders import SlideOrder


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
