"""Who sits at the command line, the certificate that proves it to our services, and how a site gets its first ones."""

from __future__ import annotations

import getpass
import os
import re
from datetime import UTC, datetime
from pathlib import Path

from shared.domain.errors import NotFoundError, UnavailableError
from shared.security.parties import Party, Role
from shared.security.tls_files import TlsFiles
from shared.site.settings import Site

PERSON_VARIABLE = "ONCORELAY_PERSON"


def person_name() -> str:
    """Return the name this person goes by: ``ONCORELAY_PERSON``, else the login name."""
    try:
        name = os.environ.get(PERSON_VARIABLE) or getpass.getuser()
    except (KeyError, OSError):
        name = ""
    return re.sub(r"[^A-Za-z0-9._-]", "-", name).lstrip("._-")[:64] or "somebody"


def person_tls(site: Site) -> TlsFiles | None:
    """Return the certificate files of whoever sits here; None where the site has no certificates.

    Raises:
        UnavailableError: If the site has made none yet.
        NotFoundError: If there is no certificate of this name; says how to get one.
    """
    name = person_name()
    files = site.tls(f"people/{name}")
    if files is not None and not files.authority.exists():
        raise UnavailableError(f"no certificates in {site.tls_folder} yet: `oncorelay up` (or `certs`) makes them")
    if files is not None and not os.access(files.certificate, os.R_OK):
        raise NotFoundError(
            "certificate",
            f"{files.certificate}: `oncorelay certs person {name} --role reader` makes one; "
            f"another person's is chosen with {PERSON_VARIABLE}",
        )
    return files


def certificate_folder(site: Site) -> Path:
    """Return where the site's certificates lie, or would."""
    return site.tls_folder or site.data_folder / "tls"


def make_all(folder: Path, site_id: str, hosts: dict[str, list[str]] | None = None) -> list[str]:
    """Make what is missing: authority, services, and an administrator of this person's name in a site that is new.

    Where anybody ever had a certificate, an administrator is made by ``oncorelay certs person`` only.
    """
    from shared.security import tls_folder

    now = datetime.now(UTC)
    made = tls_folder.make_site(folder, site_id, now, hosts or {})
    if not tls_folder.had_people(folder):
        administrator = Party(person_name(), Role.ADMINISTRATOR)
        tls_folder.make_person(folder, administrator, now)
        made.append(f"people/{administrator.name} (administrator)")
    return made
