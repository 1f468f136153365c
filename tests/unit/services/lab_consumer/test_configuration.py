"""Defaults a site relies on, and where secrets lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.lab_consumer.config import Settings
from shared.domain.errors import InvalidInputError
from shared.security.oidc import OidcSettings
from shared.site.settings import Site


def test_database_and_token_lie_in_the_data_folder(tmp_path: Path) -> None:
    settings = Settings(site=Site(data_folder=tmp_path))

    assert settings.facts_url == f"sqlite:///{tmp_path}/lab_consumer/facts.sqlite"
    assert settings.key_path == tmp_path / "secrets" / "lab_consumer.token"


def test_with_a_provider_there_is_no_key_unless_one_is_named(tmp_path: Path) -> None:
    site, oidc = Site(data_folder=tmp_path), OidcSettings(issuer="https://id.example.org", audience="oncorelay")

    assert Settings(site=site, oidc=oidc).key_path is None
    assert Settings(site=site, oidc=oidc, token_file=tmp_path / "keys").key_path == tmp_path / "keys"


def test_the_url_of_the_database_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql+psycopg://lab:secret@db/facts\n")

    assert Settings(database_url_file=tmp_path / "url").facts_url.endswith(":secret@db/facts")
    with pytest.raises(InvalidInputError, match=r"database_url_file.*cannot be read"):
        _ = Settings(database_url_file=tmp_path / "missing").facts_url
