"""Defaults a site relies on, and where secrets lie."""

from __future__ import annotations

import re
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


def site_file(folder: Path, rows: str) -> str:
    path = folder / "site.toml"
    path.write_text(f'[site]\ndata_folder = "{folder}"\n\n{rows}')
    return str(path)


ROW = '[[lab_consumer.site_code]]\nsystem = "urn:laboratory"\ncode = "{}"\nanalyte = "{}"\n'
LOINC_ROW = ROW.replace("urn:laboratory", "http://loinc.org")


def test_a_site_declares_its_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ROW.format("IFNA", "ifn_alpha") + 'unit = "pg/mL"\n' + ROW.format("HORM", "endocrine_therapy_received")
    monkeypatch.setenv("ONCORELAY_CONFIG", site_file(tmp_path, rows))

    found = Settings().site_codes.rows
    assert {code: (row.analyte.value, row.unit) for (_, code), row in found.items()} == {
        "IFNA": ("ifn_alpha", "pg/mL"),
        "HORM": ("endocrine_therapy_received", ""),
    }


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (ROW.format("IFNA", "ifn_alpha") + 'unit = "[IU]/mL"\n', "cannot be converted to pg/mL"),
        (LOINC_ROW.format("1988-5", "hscrp"), "it is no hsCRP"),
        (LOINC_ROW.format("3074-2", "il6"), "is known as tnf_alpha, not il6"),
        (ROW.format("X", "il6") * 2, "declared twice"),
        (ROW.format("X", "cholesterol"), "site_code"),
    ],
)
def test_a_site_that_contradicts_what_is_known_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: str, sentence: str
) -> None:
    monkeypatch.setenv("ONCORELAY_CONFIG", site_file(tmp_path, rows))

    with pytest.raises(InvalidInputError, match=re.escape(sentence)):
        Settings()
