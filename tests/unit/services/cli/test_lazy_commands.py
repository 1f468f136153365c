"""The command line loads the command that is called, and nothing of the others."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from services.cli.__main__ import oncorelay
from services.cli.commands import COMMANDS
from services.cli.elsewhere import Elsewhere
from services.cli.models import ELSEWHERE, models

HEAVY = {
    "alembic", "celery", "highdicom", "httpx", "numpy", "onnxruntime", "pydicom", "pynetdicom", "reportlab", "scipy",
    "sklearn", "sqlalchemy",
}  # fmt: skip
LISTING = """
import sys
from services.cli.__main__ import oncorelay
oncorelay.main(sys.argv[1:], prog_name="oncorelay", standalone_mode=False)
print("loaded:", *sorted({name.split(".")[0] for name in sys.modules}))
"""


def loaded_by(*arguments: str) -> tuple[str, set[str]]:
    """Return what a fresh command line says, and the packages it has loaded by then."""
    asked = [sys.executable, "-c", LISTING, *arguments]
    ran = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True, env=os.environ.copy())
    said, _, loaded = ran.stdout.rpartition("loaded:")
    return said, set(loaded.split())


def test_help_lists_every_command_and_loads_none() -> None:
    said, loaded = loaded_by("--help")

    assert all(f"\n  {name} " in said for name in COMMANDS)
    assert sorted(loaded & {*HEAVY, "grpc", "pydantic", "rich"}) == []


@pytest.mark.parametrize("command", ["case", "cases", "certs", "letters", "sinks", "slides", "up"])
def test_a_command_that_computes_nothing_loads_nothing_that_computes(command: str) -> None:
    said, loaded = loaded_by(command, "--help")

    assert f"oncorelay {command}" in said
    assert "pydantic" in loaded
    assert sorted(loaded & HEAVY) == []


@pytest.mark.parametrize("table", [COMMANDS, ELSEWHERE], ids=["oncorelay", "oncorelay models"])
def test_what_the_table_says_of_a_command_is_what_the_command_says(table: dict[str, tuple[str, str]]) -> None:
    for name, (place, first_line) in table.items():
        command = Elsewhere(name, place, first_line).load()
        assert command.name == name
        assert (command.help or "").partition("\n")[0] == first_line


def test_models_reaches_its_own_commands_and_those_that_stand_elsewhere() -> None:
    context = click.Context(models)

    for name in ("list", "show", "verify", "accept", "recall", "recalls"):
        _, command, rest = models.resolve_command(context, [name, "--help"])
        assert command is not None
        assert command.callback is not None
        assert rest == ["--help"]


def test_a_misspelt_command_is_answered_with_the_nearest() -> None:
    shown = CliRunner().invoke(oncorelay, ["slide"])

    assert shown.exit_code == 2
    assert "slides" in shown.output
