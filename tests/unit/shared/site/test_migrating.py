"""Which schema the arguments of a service ask for."""

from __future__ import annotations

import pytest

from shared.domain.errors import InvalidInputError
from shared.site.migrating import wanted_revision


@pytest.mark.parametrize(
    ("arguments", "revision"),
    [([], ""), (["migrate"], "head"), (["--migrate"], "head"), (["migrate", "--to", "0002"], "0002")],
)
def test_arguments_name_the_schema(arguments: list[str], revision: str) -> None:
    assert wanted_revision(arguments, "services.x") == revision


@pytest.mark.parametrize("arguments", [["--to", "0002"], ["migrate", "0002"], ["--migrate", "--to", "0002"], ["x"]])
def test_other_arguments_are_refused_with_the_usage(arguments: list[str]) -> None:
    with pytest.raises(InvalidInputError, match=r"usage: python -m services\.x"):
        wanted_revision(arguments, "services.x")
