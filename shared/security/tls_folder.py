"""A site's certificates in one folder: ``ca.pem``, ``<service>.pem`` and ``.key``, ``people/<name>.pem`` and ``.key``.

``ca.key`` is needed to issue and renew only, and may be kept elsewhere. ``revoked`` lists serial numbers, one a line;
``issued`` says what was ever signed (``shared.security.register``), so that revoking needs neither certificate nor key.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from shared.domain.errors import ConflictError, NotFoundError
from shared.security import certificates, register
from shared.security.certificates import Issued
from shared.security.parties import Party

SERVICES: Mapping[str, Sequence[str]] = {
    "results": ("results", "results-serve"),
    "lab_consumer": ("lab-consumer",),
    "dicom_listener": ("dicom-listener",),
    "inference": ("inference", "inference-explain"),
    "slide_ingestion": ("slide-ingestion",),
    "portal": ("portal",),
    "redis": ("redis",),
    "postgres": ("postgres",),
}
"""Who gets a certificate, and the host names the compose file gives it; ``redis`` and ``postgres`` only serve."""

PEOPLE = "people/"
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


def make_site(
    folder: Path, site_id: str, now: datetime, hosts: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> list[str]:
    """Make the authority and a certificate for every service that has none; return the names made.

    Raises:
        ConflictError: If the authority's certificate is there without its key, and something is missing; if it is gone
            while certificates it signed are here; if a service's certificate is of another authority.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "revoked").touch(mode=0o644)
    made = []
    _require_one_authority(folder)
    if not (folder / "ca.pem").exists():
        _write(folder, "ca", certificates.make_authority(site_id, now))
        made.append("ca")
    for name in SERVICES:
        if not (folder / f"{name}.pem").exists():
            _issue(folder, name, None, Party(name), now, (*_own_hosts(name), *hosts.get(name, ())))
            made.append(name)
    return made


def make_person(folder: Path, party: Party, now: datetime, authority_key: Path | None = None) -> Path:
    """Make a certificate for a person; return its file.

    Raises:
        ConflictError: If there is one of this name.
    """
    path = folder / "people" / f"{party.name}.pem"
    if path.exists():
        raise ConflictError(f"{path} is there: renew it with `oncorelay certs renew`, or remove it first")
    _issue(folder, f"people/{party.name}", authority_key, party, now)
    return path


def renew(folder: Path, now: datetime, within_days: float, authority_key: Path | None = None) -> list[str]:
    """Replace certificate and key of everybody whose certificate ends within these days; return their names."""
    renewed = []
    for name, pem in everybody(folder):
        if certificates.days_left(pem, now) < within_days:
            _issue(folder, name, authority_key, certificates.party_of(pem), now, certificates.hosts_of(pem))
            renewed.append(name)
    return renewed


def revoke(folder: Path, which: str) -> list[str]:
    """Have our servers refuse, from now on, a serial number, or whatever was signed for a name; return serial numbers.

    No private key is needed, and no certificate where the register knows the name.

    Raises:
        ConflictError: If ``which`` is the authority itself.
        NotFoundError: If nothing was signed for this name, and it is no serial number.
    """
    if which == "ca":
        raise ConflictError("the authority cannot be revoked: make a new folder with `oncorelay certs --folder NEW`")
    serials, names = _meant(folder, which)
    if not serials:
        raise NotFoundError("certificate", f"{which}: `oncorelay certs show --all` lists names and serial numbers")
    with (folder / "revoked").open("a", encoding="ascii") as file:
        file.writelines(f"{serial}\n" for serial in serials)
    for name in names:
        for suffix in ("pem", "key"):
            path = folder / f"{name}.{suffix}"
            if path.exists():
                path.rename(folder / f"{name}.{serials[-1][:8]}.{suffix}.revoked")
    return serials


def had_people(folder: Path) -> bool:
    """Tell whether anybody ever had a certificate here, whether or not their files are here now."""
    known = any(row.name.startswith(PEOPLE) for row in register.rows(folder))
    return known or ((folder / "people").is_dir() and any((folder / "people").iterdir()))


def everybody(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and certificate (PEM) of every service and person, not of the authority."""
    for path in [*sorted(folder.glob("*.pem")), *sorted((folder / "people").glob("*.pem"))]:
        if path.name != "ca.pem":
            yield str(path.relative_to(folder).with_suffix("")), path.read_bytes()


def issue(folder: Path, authority_key: Path | None, party: Party, now: datetime, hosts: Sequence[str] = ()) -> Issued:
    """Return a certificate signed by the folder's authority.

    Raises:
        ConflictError: If the authority's key is not there.
    """
    key = authority_key or folder / "ca.key"
    try:
        authority = Issued((folder / "ca.pem").read_bytes(), key.read_bytes())
    except OSError as error:
        raise ConflictError(
            f"{error.filename} cannot be read: give the authority's key with --ca-key (`oncorelay certs` makes one)"
        ) from None
    return certificates.issue(authority, party, now, hosts)


def _issue(
    folder: Path, name: str, authority_key: Path | None, party: Party, now: datetime, hosts: Sequence[str] = ()
) -> None:
    """Sign, register, then write: what is in use is in the register."""
    signed = issue(folder, authority_key, party, now, hosts)
    register.add(folder, name, signed.certificate)
    _write(folder, name, signed)


def _meant(folder: Path, which: str) -> tuple[list[str], list[str]]:
    """Return the serial numbers and the names (files) that a name or a serial number stands for."""
    here = {name: certificates.serial_of(pem) for name, pem in everybody(folder)}
    rows = [(row.serial, row.name) for row in register.rows(folder)] + [(serial, name) for name, serial in here.items()]
    by_name = list(dict.fromkeys(serial for serial, name in rows if name == which))
    if by_name:
        return by_name, [which]
    serial = certificates.normalised(which)
    return ([serial] if serial else []), [name for name, used in here.items() if used == serial]


def _require_one_authority(folder: Path) -> None:
    authority = folder / "ca.pem"
    signed = list(everybody(folder))
    if not authority.exists():
        if (folder / "ca.key").exists() or signed or any(register.rows(folder)):
            raise ConflictError(f"{authority} is gone while what it signed is here: put it back, or take a new folder")
        return
    for name, pem in signed:
        if not certificates.is_signed_by(pem, authority.read_bytes()):
            raise ConflictError(f"{folder / name}.pem is of another authority than {authority}: take it away first")


def _own_hosts(name: str) -> tuple[str, ...]:
    return (*SERVICES[name], *LOCAL_HOSTS)


def _write(folder: Path, name: str, issued: Issued) -> None:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _replace(target.with_name(f"{target.name}.key"), issued.key, 0o600)
    _replace(target.with_name(f"{target.name}.pem"), issued.certificate, 0o644)


def _replace(path: Path, content: bytes, mode: int) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    fresh.rename(path)
