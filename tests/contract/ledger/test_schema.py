"""Migrations and tables say the same, up and down, with data in it."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from services.results.ledger.breaker import BreakerRule, Outage
from services.results.ledger.cases import Step
from services.results.ledger.database import check_schema, downgrade, upgrade
from services.results.ledger.deliveries import LedgerDeliveries
from services.results.ledger.governance_tables import AUDIT
from services.results.ledger.ledger import Ledger
from shared.domain.audit import faults
from shared.domain.case import FindingKind
from shared.domain.errors import ConflictError
from shared.testing.cases import BUNDLE, PATIENT, a_study
from tests.contract.ledger.steps import predicted
from tests.contract.ledger.test_deliveries import refused, take

pytestmark = pytest.mark.contract

METADATA = AUDIT.metadata


def test_migrations_make_exactly_the_tables_of_the_code(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), METADATA)

    flat = [change for group in found for change in (group if isinstance(group, list) else [group])]
    assert [change for change in flat if change[0] != "modify_comment"] == []


def test_a_filled_ledger_goes_down_and_up_again(engine: sa.Engine, ledger: Ledger, clock: Any) -> None:
    ledger.intake.submit("r1", a_study(), ("ln_pcr",), clock())
    downgrade(engine, "base")
    upgrade(engine)

    assert ledger.queries.cases(clock()) == ()


def test_an_unknown_schema_is_refused_and_the_remedy_named(engine: sa.Engine) -> None:
    check_schema(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(ConflictError, match=r"python -m services\.results\.serve migrate"):
        check_schema(engine)


@pytest.mark.parametrize("found", ["0001", None])
def test_an_older_and_a_foreign_schema_are_refused_as_well(engine: sa.Engine, found: str | None) -> None:
    statement = f"UPDATE alembic_version SET version_num = '{found}'" if found else "DELETE FROM alembic_version"
    with engine.begin() as connection:
        connection.execute(sa.text(statement))

    with pytest.raises(ConflictError, match=r"python -m services\.results\.serve migrate"):
        check_schema(engine)


def test_a_ledger_of_the_first_schema_is_filled_and_then_goes_on(engine: sa.Engine, ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)
    downgrade(engine, "0001")
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM ledger_finding")).scalar() == 1
    upgrade(engine)
    assert ledger.patients.name() == 1
    step = Step("dr-test", clock(), "wrong coefficient")
    ledger.recalls.recall("recall", BUNDLE.bundle_id, BUNDLE.version, BUNDLE.digest, step)

    assert ledger.recalls.work(clock()) == 1
    assert ledger.queries.case(case_id, clock()).findings[-1].kind is FindingKind.WITHDRAWN
    assert case_id in {row.case_id for row in ledger.trail.rows(identity=PATIENT)}
    assert faults(ledger.trail.rows()) == ()


def test_what_was_taken_before_sinks_had_a_breaker_may_be_there(engine: sa.Engine, ledger: Ledger, clock: Any) -> None:
    refused(ledger, clock)
    deliveries = LedgerDeliveries(ledger.engine)
    due = take(ledger, clock)
    outage = Outage("no answer", clock(), BreakerRule(1), 8)
    deliveries.unavailable(due, outage, clock())
    downgrade(engine, "0001")
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT sink, tries FROM ledger_delivery ORDER BY sink")).all()
    assert [tuple(row) for row in rows] == [("ehr", 0), ("pacs", 1)]
    upgrade(engine)

    found = {letter.sink: letter.maybe_there for letter in ledger.letters.listed(None)}
    assert found == {"ehr": False, "pacs": True}
    assert take(ledger, clock).delivery_id == due.delivery_id
