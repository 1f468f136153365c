"""``oncorelay certs``: one command makes a site's certificates, others show, renew and add."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from services.cli import doctor_security
from services.cli.__main__ import oncorelay
from services.cli.person import PERSON_VARIABLE, person_name, person_tls
from services.cli.site_file import to_toml
from services.results.config import Settings
from shared.domain.errors import ConflictError, NotFoundError
from shared.security import certificates, tls_folder
from shared.security.parties import Party, Role
from shared.site.settings import CONFIG_VARIABLE


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    site = {"data_folder": str(tmp_path), "tls_folder": str(tmp_path / "tls")}
    (tmp_path / "site.toml").write_text(to_toml({"site": site}))
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "site.toml"))
    monkeypatch.setenv(PERSON_VARIABLE, "jane")
    return tmp_path / "tls"


def certs(*arguments: str) -> str:
    done = CliRunner().invoke(oncorelay, ["certs", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_one_command_makes_everything_and_the_next_one_nothing(folder: Path) -> None:
    assert "people/jane (administrator)" in certs("--host", "results=ledger.example.org")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    assert "nothing was made" in certs()
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert "ledger.example.org" in certificates.hosts_of((folder / "results.pem").read_bytes())


def test_people_get_roles_and_are_shown_with_their_end(folder: Path) -> None:
    certs()
    certs("person", "john", "--role", "reader")
    rows = {row["file"]: row for row in json.loads(certs("show", "--json").splitlines()[-1])}

    assert rows["people/john"]["party"] == "oncorelay:role:reader:john"
    assert rows["people/jane"]["party"] == "oncorelay:role:administrator:jane"
    assert 390 < rows["results"]["days_left"] < 398
    with pytest.raises(ConflictError, match="is there"):
        certs("person", "john", "--role", "administrator")


def test_renewal_needs_the_key_of_the_authority_wherever_it_is(folder: Path, tmp_path: Path) -> None:
    certs()
    safe = (folder / "ca.key").rename(tmp_path / "safe.key")

    assert "nothing ends" in certs("renew")
    with pytest.raises(ConflictError, match="--ca-key"):
        certs("renew", "--all")
    assert "results" in certs("renew", "--all", "--ca-key", str(safe))


def test_a_person_without_a_certificate_is_told_how_to_get_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certs()
    monkeypatch.setenv(PERSON_VARIABLE, "nobody")

    with pytest.raises(NotFoundError, match="oncorelay certs person nobody"):
        person_tls(Settings().site)
    monkeypatch.setenv(PERSON_VARIABLE, "../../jane o'hara")
    assert person_name() == "jane-o-hara"


def test_the_doctor_asks_for_renewal_before_a_certificate_ends(folder: Path) -> None:
    certs()
    assert "ca.key lies beside them" in doctor_security.certificates(Settings().site)
    soon = datetime.now(UTC) - timedelta(days=certificates.VALID_DAYS - 10)
    tls_folder.make_person(folder, Party("old", Role.READER), soon)

    with pytest.raises(ValueError, match=r"people/old ends in 10 days: run `oncorelay certs renew`"):
        doctor_security.certificates(Settings().site)


def test_the_doctor_names_a_password_in_the_site_file(folder: Path) -> None:
    from services.lab_consumer.config import Settings as LabSettings

    settings = Settings(database_url="postgresql+psycopg://oncorelay:secret@db/ledger")

    with pytest.raises(ValueError, match=r"\[results\] database_url holds a password") as found:
        doctor_security.secret_files(settings, LabSettings())
    assert "secret@" not in str(found.value)


def test_no_new_administrator_appears_where_there_were_people_before(folder: Path) -> None:
    certs()
    certs("revoke", "people/jane")
    for path in (folder / "people").iterdir():
        path.unlink()

    assert "nothing was made" in certs()
    assert not list((folder / "people").iterdir())
    assert "people/jane  oncorelay:role:administrator:jane" in certs("show", "--all")
    certs("person", "joan", "--role", "administrator")


def test_the_doctor_misses_the_list_of_revoked_certificates(folder: Path) -> None:
    certs()
    (folder / "revoked").unlink()

    with pytest.raises(ValueError, match="revoked is missing"):
        doctor_security.certificates(Settings().site)
    certs()
    doctor_security.certificates(Settings().site)
