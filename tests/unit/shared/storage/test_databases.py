"""What a database error may say, and what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from shared.domain.errors import UnavailableError
from shared.storage.databases import open_engine, translated


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    return open_engine(f"sqlite:///{tmp_path / 'new' / 'x.sqlite'}")


def test_a_commit_is_on_disk_and_readers_do_not_wait(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_the_values_of_a_failed_statement_are_not_in_its_text(engine: sa.Engine) -> None:
    with pytest.raises(DBAPIError) as failed, engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO nowhere VALUES (:x)"), {"x": "SECRET-MRN"})

    assert "SECRET-MRN" not in str(failed.value)


def test_a_concurrent_write_is_temporary_and_a_defect_of_ours_is_not(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x INTEGER PRIMARY KEY)")
    with pytest.raises(DBAPIError) as twice, engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (1), (1)")

    assert isinstance(translated(twice.value, "the ledger"), UnavailableError)
    assert translated(sa.exc.ProgrammingError("x", {}, Exception("syntax")), "the ledger") is None
