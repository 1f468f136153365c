"""One laboratory per database: SQLite, and PostgreSQL where it is installed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sql

from services.lab_consumer.adapters import database
from services.lab_consumer.adapters.outbox import SqlOutbox
from services.lab_consumer.adapters.store import SqlFactStore
from services.lab_consumer.handlers.answers import Answer
from services.lab_consumer.handlers.bundle import unpack
from services.lab_consumer.handlers.questions import GetFacts
from services.lab_consumer.handlers.receive import Receive
from services.lab_consumer.handlers.submission import Submission, id_of
from services.lab_consumer.ports.outbox import Announcement
from shared.domain.coding import Coding
from shared.domain.facts import FactName, PatientFacts
from shared.domain.identity import AssigningAuthority, IdentityMap, PatientIdentity
from shared.fhir.reading.site_codes import SiteCode, SiteCodes
from shared.testing.fhir_resources import HOSPITAL_SYSTEM

MRN1 = PatientIdentity("hospital", "MRN1")
IFN_ALPHA = Coding("urn:laboratory", "IFNA")
SITE_CODES = SiteCodes.of([SiteCode(IFN_ALPHA.system, IFN_ALPHA.code, FactName.IFN_ALPHA)])
TOKYO = timezone(timedelta(hours=9))


@dataclass
class SteppingClock:
    """A second passes whenever somebody looks; not in UTC."""

    moment: datetime = datetime(2026, 3, 1, 0, 30, tzinfo=TOKYO)

    def __call__(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


@dataclass
class Laboratory:
    """The use cases over one real database."""

    engine: sql.Engine
    clock: SteppingClock = field(default_factory=SteppingClock)

    def __post_init__(self) -> None:
        self.store = SqlFactStore(self.engine, self.clock, lambda: str(uuid.uuid4()))
        self.outbox = SqlOutbox(self.engine)
        identities = IdentityMap((AssigningAuthority("hospital", fhir_system=HOSPITAL_SYSTEM),))
        self.receive = Receive(self.store, identities, lambda: None, self.clock, SITE_CODES)

    def post(self, *resources: dict[str, Any]) -> list[Answer]:
        """Post resources one by one."""
        return [self.receive([Submission(row["resourceType"], id_of(row), row)])[0] for row in resources]

    def bundle(self, tree: dict[str, Any]) -> list[Answer]:
        """Post a Bundle."""
        unpacked = unpack(tree, "", 1000)
        return self.receive(unpacked.entries, atomic=unpacked.atomic, newest_first=unpacked.newest_first)

    def now(self) -> datetime:
        """Return a moment after everything so far."""
        return self.clock().astimezone(UTC)

    def facts(self, as_of: datetime | None = None, identity: PatientIdentity = MRN1) -> PatientFacts:
        """Return what is known."""
        return GetFacts(self.store)(identity, as_of or self.now())

    def values(self, name: FactName, as_of: datetime | None = None) -> list[str]:
        """Return the values of one kind of fact."""
        return [fact.value for fact in self.facts(as_of).named(name)]

    def announcements(self) -> tuple[Announcement, ...]:
        """Return what is due."""
        return self.outbox.due(self.now() + timedelta(days=1))


@pytest.fixture
def open_laboratory(database_url: str) -> Iterator[Callable[[], Laboratory]]:
    """Open the same database, several times where a test wants two writers."""
    engines: list[sql.Engine] = []

    def open_one() -> Laboratory:
        engines.append(database.open_engine(database_url))
        if len(engines) == 1:
            database.migrate(engines[0])
        return Laboratory(engines[-1])

    yield open_one
    for engine in engines:
        engine.dispose()


@pytest.fixture
def lab(open_laboratory: Callable[[], Laboratory]) -> Laboratory:
    """A laboratory that knows nobody."""
    return open_laboratory()
