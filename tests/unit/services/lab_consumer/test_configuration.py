"""Defaults a site relies on, and where secrets lie."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.lab_consumer.config import Settings
from shared.domain.errors import InvalidInputError
from shared.security.token_settings import OidcSettings
from shared.site.settings import IdentityRow, Site


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


MAPPED = (IdentityRow(name="hospital", fhir_system="http://hospital.example.org", hl7_authority="HOSP"),)


def test_the_mllp_door_is_closed_unless_a_port_is_named() -> None:
    settings = Settings()

    assert settings.mllp_port is None
    assert [str(network) for network in settings.mllp_allowed_networks] == ["127.0.0.0/8", "::1/128"]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"identity": ()}, "no .*identity.* has an hl7_authority, nobody's results could be taken"),
        ({"identity": (IdentityRow(name="a", hl7_authority="A"),)}, "needs a fhir_system as well"),
        ({"mllp_tls_key": Path("key")}, "mllp_tls_certificate and mllp_tls_key belong together"),
        ({"mllp_time_zone": "Middle/Earth"}, "mllp_time_zone is no zone of the IANA database"),
        ({"mllp_default_character_set": "EBCDIC"}, "mllp_default_character_set is none of ASCII"),
        ({"mllp_allowed_networks": "10.0.0.1/8"}, "10.0.0.1/8 has host bits set; did you mean 10.0.0.0/8"),
    ],
)
def test_what_would_take_messages_wrongly_is_refused_at_start(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Settings(**{"identity": MAPPED, "mllp_port": 2575, **values})
