"""Every revision of the facts database up and down with data in it, and what is refused at start, on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sql

from services.lab_consumer.adapters import database
from shared.domain.errors import ConflictError
from shared.storage import databases
from shared.testing.fhir_resources import patient
from tests.contract.lab_consumer.conftest import MRN1, Laboratory
from tests.contract.lab_consumer.test_patient_changes import changes, link, receptor, two, values

pytestmark = pytest.mark.contract

_MIGRATIONS = database._MIGRATIONS


def test_one_revision_down_and_up_again_keeps_the_facts(lab: Laboratory) -> None:
    lab.post(patient(), receptor())
    databases.downgrade(lab.engine, _MIGRATIONS, "0001")
    database.migrate(lab.engine)

    assert values(lab, MRN1) == ["positive"]
    two(lab)
    lab.post(patient(link=link("p2")))
    assert changes(lab) == [("merge", "MRN1", "MRN2")]


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
