"""Every revision of the facts database up and down with data in it, and what is refused at start, on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sql

from services.lab_consumer.adapters import database
from services.lab_consumer.adapters.pull_queue import SqlPullQueue
from services.lab_consumer.handlers.submission import Submission
from services.lab_consumer.ports.pulling import Wish
from shared.domain.errors import ConflictError
from shared.domain.facts import FactName
from shared.storage import databases
from shared.testing.fhir_resources import patient
from tests.contract.lab_consumer.conftest import MRN1, Laboratory
from tests.contract.lab_consumer.test_panels import DAY, IL6, MRN2, know, reports, value
from tests.contract.lab_consumer.test_patient_changes import changes, link, receptor, two, values

pytestmark = pytest.mark.contract

_MIGRATIONS = database.MIGRATIONS


def test_one_revision_down_and_up_again_keeps_the_facts(lab: Laboratory) -> None:
    lab.post(patient(), receptor())
    databases.downgrade(lab.engine, _MIGRATIONS, "0001")
    database.migrate(lab.engine)

    assert values(lab, MRN1) == ["positive"]
    two(lab)
    lab.post(patient(link=link("p2")))
    assert changes(lab) == [("merge", "MRN1", "MRN2")]


def test_what_was_stated_before_statements_named_their_source_is_found_and_corrected(
    lab: Laboratory,
) -> None:
    refused = receptor() | {"id": "o9", "focus": [{"reference": "Condition/a"}, {"reference": "Condition/b"}]}
    lab.post(patient(), receptor(), refused)
    databases.downgrade(lab.engine, _MIGRATIONS, "0002")
    database.migrate(lab.engine)

    with lab.store.writing() as writing:
        found = {row.source for row in writing.stated(MRN1, frozenset({receptor_source(), "Observation/o9"}))}
    assert found == {receptor_source(), "Observation/o9"}
    lab.receive([Submission("Observation", str(receptor()["id"]), None)])
    assert values(lab, MRN1) == []


def test_wishes_cursors_and_events_go_down_and_come_again_empty(lab: Laboratory) -> None:
    queue = SqlPullQueue(lab.engine, "https://ehr.example.org/fhir")
    queue.want([Wish("Observation", "o1"), Wish(identity=MRN1)], lab.now())
    queue.advance("Observation", "2026-01-01T00:00:00.000Z")
    queue.heard("Subscription/1", 7)
    databases.downgrade(lab.engine, _MIGRATIONS, "0003")
    database.migrate(lab.engine)

    assert (queue.waiting(), queue.cursor("Observation"), queue.event("Subscription/1")) == (0, "", None)
    assert queue.want([Wish(identity=MRN1)], lab.now()) == 1


def test_values_panels_are_made_of_are_there_again_after_the_table_went_down_and_up(lab: Laboratory) -> None:
    gone, kept, other = value(number=1), value(number=2), value(FactName.NEUTROPHILS)
    know(lab, gone, kept, other)
    know(lab, kept, other)
    know(lab, value(number=7), of=MRN2)
    databases.downgrade(lab.engine, _MIGRATIONS, "0004")
    database.migrate(lab.engine)

    know(lab, kept, other, value(IL6))  # what comes now joins what was there before
    (report,) = reports(lab)
    assert report.panel.facts == {kept.fact_id, value(IL6).fact_id}
    with lab.engine.begin() as connection:
        query = sql.text("SELECT identifier, fact_id, name, effective_date FROM panel_value ORDER BY identifier, name")
        rows = [tuple(row) for row in connection.execute(query)]
    assert rows == [
        ("MRN1", kept.fact_id, "hscrp", DAY.isoformat()), ("MRN1", value(IL6).fact_id, "il6", DAY.isoformat()),
        ("MRN2", value(number=7).fact_id, "hscrp", DAY.isoformat()),
    ]  # fmt: skip


def receptor_source() -> str:
    return f"Observation/{receptor()['id']}"


def test_all_the_way_down_and_up_leaves_an_empty_database_that_works(lab: Laboratory) -> None:
    lab.post(patient(), receptor())
    databases.downgrade(lab.engine, _MIGRATIONS, "base")
    database.migrate(lab.engine)

    assert values(lab, MRN1) == []
    lab.post(patient(), receptor())
    assert values(lab, MRN1) == ["positive"]


def test_a_newer_schema_is_refused_and_never_touched(lab: Laboratory) -> None:
    with lab.engine.begin() as connection:
        connection.execute(sql.text("UPDATE alembic_version SET version_num = '9999'"))

    for call in (database.check_schema, database.migrate):
        with pytest.raises(ConflictError, match="was written by a newer version"):
            call(lab.engine)


def test_one_command_goes_back_to_an_older_schema_and_forward_again(lab: Laboratory) -> None:
    database.migrate(lab.engine, "0001")
    with pytest.raises(ConflictError, match="has schema 0001"):
        database.check_schema(lab.engine)
    database.migrate(lab.engine)
    database.check_schema(lab.engine)


@pytest.mark.parametrize("found", ["0001", None])
def test_an_older_and_a_foreign_schema_are_refused_with_the_remedy(lab: Laboratory, found: str | None) -> None:
    statement = f"UPDATE alembic_version SET version_num = '{found}'" if found else "DELETE FROM alembic_version"
    with lab.engine.begin() as connection:
        connection.execute(sql.text(statement))

    with pytest.raises(ConflictError, match=r"python -m services\.lab_consumer migrate"):
        database.check_schema(lab.engine)
