"""Defaults a site relies on, and the token file."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.lab_consumer.adapters.token import read_token
from services.lab_consumer.config import Settings
from shared.domain.errors import ForbiddenError
from shared.site.settings import Site


def test_database_and_token_lie_in_the_data_folder(tmp_path: Path) -> None:
    settings = Settings(site=Site(data_folder=tmp_path))

    assert settings.facts_url == f"sqlite:///{tmp_path}/lab_consumer/facts.sqlite"
    assert settings.token_path == tmp_path / "secrets" / "lab_consumer.token"


def test_a_token_is_read_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("x" * 32 + "\n")

    assert read_token(tmp_path / "token") == b"x" * 32


@pytest.mark.parametrize("content", [None, "", "short"])
def test_a_missing_or_short_token_is_refused_with_the_command_to_run(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "token").write_text(content)

    with pytest.raises(ForbiddenError, match="openssl rand"):
        read_token(tmp_path / "token")
