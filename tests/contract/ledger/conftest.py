"""The same suite on SQLite and on PostgreSQL: one ledger, freshly migrated, per test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.results.ledger.database import open_engine, upgrade
from services.results.ledger.keys import Keys
from services.results.ledger.ledger import Ledger, assemble
from services.results.ledger.policy import Policy, SinkPolicy
from shared.testing.cases import START

KEYS = Keys("test-site", b"k" * 32)
POLICY = Policy(sinks=(SinkPolicy("pacs", "dicom-cstore"), SinkPolicy("ehr", "fhir")))


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **delta: float) -> datetime:
        self.time += timedelta(**delta)
        return self.time


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    if request.param == "sqlite":
        engine = open_engine(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
        upgrade(engine)
        yield engine
        engine.dispose()
        return
    engine = open_engine(request.getfixturevalue("postgresql_url"))
    upgrade(engine)
    yield engine
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_ledger(engine: sa.Engine) -> Callable[..., Ledger]:
    return lambda policy=POLICY: assemble(engine, KEYS, policy)


@pytest.fixture
def ledger(make_ledger: Callable[..., Ledger]) -> Ledger:
    return make_ledger()
