"""Migrations and tables say the same, up and down, with data in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from services.results.ledger.breaker import BreakerRule, Outage
from services.results.ledger.cases import Step
from services.results.ledger.database import check_schema, downgrade, migrate, upgrade
from services.results.ledger.deliveries import LedgerDeliveries
from services.results.ledger.governance_tables import AUDIT
from services.results.ledger.ledger import Ledger
from services.results.ledger.policy import Policy, SinkPolicy
from shared.domain.audit import faults
from shared.domain.case import FindingKind
from shared.domain.errors import ConflictError, InvalidInputError
from shared.domain.governance import PatientChange, PatientChangeKind
from shared.domain.identity import PatientIdentity
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


def test_a_newer_schema_is_refused_and_the_remedy_named(engine: sa.Engine) -> None:
    check_schema(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    for call in (check_schema, upgrade, migrate):
        with pytest.raises(ConflictError, match=r"newer version.*install that version, or restore a backup"):
            call(engine)


def test_one_command_goes_back_to_the_schema_of_an_older_version_and_forward_again(engine: sa.Engine) -> None:
    migrate(engine, "0002")
    with pytest.raises(ConflictError, match="has schema 0002"):
        check_schema(engine)
    migrate(engine)
    check_schema(engine)
    with pytest.raises(InvalidInputError, match="0001, 0002"):
        migrate(engine, "0000")


def test_a_ledger_with_everything_in_it_goes_down_and_up_again(
    engine: sa.Engine, make_ledger: Callable[..., Ledger], clock: Any
) -> None:
    one = make_ledger(Policy(sinks=(SinkPolicy("pacs", "dicom-cstore"),)))
    more = Policy(
        sinks=(SinkPolicy("pacs", "dicom-cstore"), SinkPolicy("pacs2", "dicom-stow")), keep_findings=timedelta(days=1)
    )
    ledger, step = make_ledger(more), Step("dr-test", clock(), "a reason")
    erased, purged, redirected, merged = (
        predicted(one, clock, number, identity=PatientIdentity("hospital", f"MRN-TEST-{number}"))
        for number in (11, 12, 13, 14)
    )
    letter = take(one, clock)
    LedgerDeliveries(engine).give_up(letter, "no room", clock())
    ledger.letters.redirect("redirect", letter.delivery_id, "pacs2", step)
    ledger.people.withdraw("withdraw", purged, step)
    clock.forward(days=3)
    ledger.retention.purge(clock())
    ledger.erasures.erase("erase", PatientIdentity("hospital", "MRN-TEST-11"), step)
    change = PatientChange(PatientChangeKind.MERGE, PatientIdentity("hospital", "MRN-TEST-14"), PATIENT, "message")
    ledger.patients.change("merge", change, clock())
    ledger.recalls.recall("recall", BUNDLE.bundle_id, "", "", step)
    ledger.recalls.work(clock())
    with engine.connect() as connection:
        empty = connection.execute(sa.text("SELECT count(*) FROM ledger_finding WHERE body = ''")).scalar()
    assert int(empty or 0) >= 2
    before = {case_id: ledger.queries.case(case_id, clock()) for case_id in (erased, purged, redirected, merged)}

    migrate(engine, "0001")
    migrate(engine)
    assert {case_id: ledger.queries.case(case_id, clock()) for case_id in before} == before


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
