"""Published tables are checked with one command."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from services.cli.literature import literature
from shared.domain.errors import InvalidInputError

TABLES = Path(__file__).parents[3] / "data" / "literature"


def test_the_rows_of_paper_0_are_told_one_by_one_and_the_status_is_an_error() -> None:
    found = CliRunner().invoke(literature, ["check", str(TABLES / "paper_000_table_4.toml")])

    assert isinstance(found.exception, InvalidInputError)
    assert "12 of 12 rows do not agree with themselves" in str(found.exception)
    assert "sensitivity 0.827 is no k/71; the rest of the row gives 0.887" in found.output


def test_a_sound_table_passes(tmp_path: Path) -> None:
    file = tmp_path / "table.toml"
    head, rows = (TABLES / "paper_001_tables_2_3.toml").read_text().split("[rows]", 1)
    kept = [line for line in rows.splitlines() if line.startswith('"TN')]
    file.write_text(head + "[rows]\n" + "\n".join(kept))

    found = CliRunner().invoke(literature, ["check", str(file)])

    assert (found.exit_code, found.output) == (0, "TN validation: sound\nTN test: sound\n")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x = ["])
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.toml").write_bytes(content)

    found = CliRunner().invoke(literature, ["check", str(tmp_path / "x.toml")])

    assert isinstance(found.exception, InvalidInputError)
