"""What the site's authority issues, judged by OpenSSL; and the folder it lies in."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.domain.errors import ConflictError
from shared.security import certificates, tls_folder
from shared.security.parties import Party, Role
from shared.security.tls_files import files_of

NOW = datetime.now(UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tls_folder.make_site(tmp_path / "tls", "hospital", NOW, {"results": ("ledger.example.org", "192.0.2.7")})
    return tmp_path / "tls"


def openssl(*arguments: str) -> str:
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, timeout=30, check=True).stdout


@pytest.mark.parametrize(
    ("name", "purpose"), [("results", "sslserver"), ("results", "sslclient"), ("redis", "sslserver")]
)
def test_openssl_accepts_a_service_for_what_it_is_for(folder: Path, name: str, purpose: str) -> None:
    authority, certificate = str(folder / "ca.pem"), str(folder / f"{name}.pem")

    assert "OK" in openssl("verify", "-x509_strict", "-purpose", purpose, "-CAfile", authority, certificate)


def test_a_person_can_call_and_cannot_serve(folder: Path) -> None:
    certificate = str(tls_folder.make_person(folder, Party("jane", Role.READER), NOW))
    authority = str(folder / "ca.pem")

    assert "OK" in openssl("verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", authority, certificate)
    with pytest.raises(subprocess.CalledProcessError):
        openssl("verify", "-purpose", "sslserver", "-CAfile", authority, certificate)


def test_a_service_is_named_by_every_name_it_has(folder: Path) -> None:
    text = openssl("x509", "-in", str(folder / "results.pem"), "-noout", "-ext", "subjectAltName")

    for name in (
        "URI:oncorelay:service:results", "DNS:results.oncorelay.internal", "DNS:results-serve", "DNS:localhost",
        "IP Address:127.0.0.1", "DNS:ledger.example.org", "IP Address:192.0.2.7",
    ):  # fmt: skip
        assert name in text


def test_the_certificate_of_a_service_signs_nothing(folder: Path, tmp_path: Path) -> None:
    results = files_of(folder, "results").read()
    forged = certificates.issue(certificates.Issued(results[1], results[2]), Party("root", Role.ADMINISTRATOR), NOW)
    (tmp_path / "forged.pem").write_bytes(forged.certificate)

    with pytest.raises(subprocess.CalledProcessError):
        openssl(
            "verify", "-CAfile", str(folder / "ca.pem"), "-untrusted", str(folder / "results.pem"),
            str(tmp_path / "forged.pem"),
        )  # fmt: skip


def test_keys_are_for_their_owner_only(folder: Path) -> None:
    tls_folder.make_person(folder, Party("jane", Role.READER), NOW)
    keys = list(folder.rglob("*.key"))

    assert len(keys) == len(tls_folder.SERVICES) + 2
    assert {oct(key.stat().st_mode & 0o777) for key in keys} == {"0o600"}


def test_nothing_that_is_there_is_made_again(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}

    assert tls_folder.make_site(folder, "hospital", NOW) == []
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    tls_folder.make_person(folder, Party("jane", Role.READER), NOW)
    with pytest.raises(ConflictError, match="is there"):
        tls_folder.make_person(folder, Party("jane", Role.ADMINISTRATOR), NOW)


def test_renewal_takes_what_ends_soon_and_keeps_whom_it_names(folder: Path) -> None:
    later = NOW + timedelta(days=certificates.VALID_DAYS - 10)
    tls_folder.make_person(folder, Party("jane", Role.OPERATOR), later)
    before = (folder / "results.pem").read_bytes()

    renewed = tls_folder.renew(folder, later, certificates.WARN_DAYS)

    after = (folder / "results.pem").read_bytes()
    assert set(renewed) == set(tls_folder.SERVICES)
    assert before != after
    assert certificates.hosts_of(after) == certificates.hosts_of(before)
    assert certificates.party_of(after) == Party("results")
    assert certificates.days_left(after, later) > certificates.VALID_DAYS - 1


def test_the_key_of_the_authority_may_lie_elsewhere(folder: Path, tmp_path: Path) -> None:
    safe = (folder / "ca.key").rename(tmp_path / "safe.key")

    with pytest.raises(ConflictError, match="--ca-key"):
        tls_folder.make_person(folder, Party("jane", Role.READER), NOW)
    assert tls_folder.make_person(folder, Party("jane", Role.READER), NOW, safe).exists()
    assert tls_folder.make_site(folder, "hospital", NOW) == []


def test_revoking_lists_the_serial_number_and_takes_the_files_out_of_use(folder: Path) -> None:
    path = tls_folder.make_person(folder, Party("jane", Role.READER), NOW)
    serial = certificates.serial_of(path.read_bytes())

    assert tls_folder.revoke(folder, "people/jane") == [serial]
    assert serial in (folder / "revoked").read_text().split()
    assert "people/jane" not in [name for name, _ in tls_folder.everybody(folder)]
    assert tls_folder.make_person(folder, Party("jane", Role.READER), NOW).exists()
