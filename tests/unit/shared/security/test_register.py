"""What was ever signed is remembered, and revoked without certificate or key; one folder has one authority."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.domain.errors import ConflictError, NotFoundError
from shared.rpc.access import _serials
from shared.security import register, tls_folder
from shared.security.certificates import serial_of
from shared.security.parties import Party, Role

NOW = datetime.now(UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tls_folder.make_site(tmp_path, "hospital", NOW)
    tls_folder.make_person(tmp_path, Party("jane", Role.OPERATOR), NOW)
    return tmp_path


def revoked(folder: Path) -> frozenset[str]:
    return _serials(folder / "revoked")


def test_a_new_site_has_an_empty_list_of_revoked_certificates(folder: Path) -> None:
    assert (folder / "revoked").read_bytes() == b""


def test_the_register_names_everybody_with_role_and_end(folder: Path) -> None:
    rows = {row.name: row for row in register.rows(folder)}

    assert set(rows) == {*tls_folder.SERVICES, "people/jane"}
    assert rows["people/jane"].party == "oncorelay:role:operator:jane"
    assert rows["people/jane"].serial == serial_of((folder / "people/jane.pem").read_bytes())
    assert 390 < (rows["people/jane"].end - NOW).days < 398


def test_a_person_whose_files_were_moved_away_can_be_revoked(folder: Path) -> None:
    serial = serial_of((folder / "people/jane.pem").read_bytes())
    for suffix in ("pem", "key"):
        (folder / f"people/jane.{suffix}").unlink()

    assert tls_folder.revoke(folder, "people/jane") == [serial]
    assert revoked(folder) == {serial}


def test_a_name_revokes_the_certificates_before_a_renewal_too(folder: Path) -> None:
    tls_folder.renew(folder, NOW, within_days=1000)

    assert len(tls_folder.revoke(folder, "people/jane")) == 2
    assert len(revoked(folder)) == 2


def test_a_serial_number_is_revoked_however_it_is_written(folder: Path) -> None:
    serial = serial_of((folder / "people/jane.pem").read_bytes())
    digits = serial.rjust(40, "0").upper()
    colons = ":".join(digits[i : i + 2] for i in range(0, 40, 2))

    assert tls_folder.revoke(folder, colons) == [serial]
    assert not (folder / "people/jane.pem").exists()
    for written in (digits, colons, f"0x{serial}", f"{colons}  # jane left"):
        (folder / "revoked").write_text(written + "\n")
        assert _parsed_again(folder) == {serial}


def _parsed_again(folder: Path) -> frozenset[str]:
    from shared.rpc.access import _parsed

    _parsed.cache_clear()
    return revoked(folder)


def test_the_authority_is_not_revoked_and_neither_is_what_was_never_signed(folder: Path) -> None:
    before = sorted(folder.iterdir())
    with pytest.raises(ConflictError, match="new folder"):
        tls_folder.revoke(folder, "ca")
    for name in ("people/nobody", "../../ca", "x"):
        with pytest.raises(NotFoundError):
            tls_folder.revoke(folder, name)

    assert sorted(folder.iterdir()) == before
    assert not revoked(folder)


def test_no_second_authority_is_made_beside_what_the_first_one_signed(folder: Path) -> None:
    authority = (folder / "ca.pem").read_bytes()
    (folder / "ca.pem").unlink()
    with pytest.raises(ConflictError, match="put it back"):
        tls_folder.make_site(folder, "hospital", NOW)
    for path in [*folder.glob("*.pem"), *folder.glob("people/*.pem"), folder / "issued"]:
        path.unlink()
    with pytest.raises(ConflictError, match="put it back"):  # a lone key
        tls_folder.make_site(folder, "hospital", NOW)

    (folder / "ca.pem").write_bytes(authority)
    assert "results" in tls_folder.make_site(folder, "hospital", NOW)
    assert (folder / "ca.pem").read_bytes() == authority


def test_a_certificate_of_another_site_is_named(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    tls_folder.make_site(other, "other", NOW)
    (folder / "inference.pem").write_bytes((other / "inference.pem").read_bytes())

    with pytest.raises(ConflictError, match=r"inference\.pem is of another authority"):
        tls_folder.make_site(folder, "hospital", NOW)
