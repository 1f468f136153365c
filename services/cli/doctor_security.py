"""What ``oncorelay doctor`` says about certificates, gates, secrets and the password of Redis."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import redis
import sqlalchemy as sa

from services.dicom_listener.config import Settings as ListenerSettings
from services.lab_consumer.config import Settings as LabSettings
from services.results.config import Settings as ResultsSettings
from shared.messaging.patience import one_try
from shared.observability import checks
from shared.security import tls_folder
from shared.security.certificates import WARN_DAYS, days_left
from shared.security.doorkeeper import open_door
from shared.security.token_settings import OidcSettings
from shared.site.settings import Site

_OTHERS = 0o077


def certificates(site: Site) -> str:
    """Return who has a certificate and when the first one ends.

    Raises:
        ValueError: If there are none, or one ends soon; says what to run.
    """
    folder = site.tls_folder
    if folder is None:
        raise ValueError(
            "[site] tls_folder is not set: whoever can log in here can speak to every service; run `oncorelay certs`"
        )
    if not (folder / "ca.pem").exists():
        raise ValueError(f"no certificates in {folder}: run `oncorelay certs`")
    if not (folder / "revoked").exists():
        raise ValueError(f"{folder / 'revoked'} is missing: nobody would be refused; put it back, or `oncorelay certs`")
    now = datetime.now(UTC)
    named = [("ca", (folder / "ca.pem").read_bytes()), *tls_folder.everybody(folder)]
    left = {name: days_left(pem, now) for name, pem in named}
    first = min(left, key=lambda name: left[name])
    if left[first] < WARN_DAYS:
        ends = f"{first} ends in {left[first]:.0f} days" if left[first] > 0 else f"{first} has ended"
        raise ValueError(f"{ends}: run `oncorelay certs renew`, then restart the services")
    return f"{len(left)} in {folder}, the first ({first}) ends in {left[first]:.0f} days{_authority(folder)}"


def fhir_door(lab: LabSettings) -> str:
    """Return how the FHIR door is guarded.

    Raises:
        OncoRelayError: If it would not open.
    """
    return _guarded(lab.key_path, lab.oidc, "facts.write")


def stow_door(listener: ListenerSettings) -> str:
    """Return how the STOW-RS door is guarded, or that there is none.

    Raises:
        OncoRelayError: If it would not open.
    """
    if listener.stow_port is None:
        return "not open ([dicom_listener] stow_port is not set)"
    return _guarded(listener.stow_key_path, listener.stow_oidc, "images.write")


def mllp_door(lab: LabSettings) -> str:
    """Return who may send HL7 v2, or that there is no such door.

    Raises:
        ValueError: If nobody answers there, or whoever is in its networks could send without proving anything.
    """
    if lab.mllp_port is None:
        return "not open ([lab_consumer] mllp_port is not set)"
    trouble = checks.listens(f"{lab.mllp_host}:{lab.mllp_port}", "lab_consumer")()
    if trouble:
        raise ValueError(trouble)
    networks = ", ".join(str(network) for network in lab.mllp_allowed_networks)
    if lab.mllp_tls_client_ca is None and not all(network.is_loopback for network in lab.mllp_allowed_networks):
        return (
            f"answers on port {lab.mllp_port}; anybody in {networks} may send: mllp_tls_client_ca would ask for proof"
        )
    proof = "with a certificate" if lab.mllp_tls_client_ca else "without TLS"
    zone, characters = lab.mllp_time_zone, lab.mllp_default_character_set
    return f"answers on port {lab.mllp_port}, {networks}, {proof}; unless stated: zone {zone}, {characters}"


def secret_files(results: ResultsSettings, lab: LabSettings) -> str:
    """Return how many files hold secrets.

    Raises:
        ValueError: If somebody else may read one, or a secret stands in the site file.
    """
    inline = [key for key, url in _urls(results, lab).items() if sa.make_url(url).password]
    if inline:
        raise ValueError(f"{', '.join(inline)} holds a password: put it into a file, see deploy/SECURITY.md")
    files = [path for path in _named(results, lab) if path.is_file()]
    for path in files:
        if path.stat().st_mode & _OTHERS:
            raise ValueError(f"others may read {path}: chmod 600 {path}")
    return f"{len(files)} files, for their owner only"


def redis_access(results: ResultsSettings) -> str:
    """Return version and protection of Redis.

    Raises:
        ValueError: If it lets in everybody.
        redis.RedisError: If it does not answer.
    """
    timeout = 3.0
    client = redis.Redis.from_url(
        results.broker_url, socket_connect_timeout=timeout, socket_timeout=timeout, retry=one_try()
    )
    try:
        version = client.info("server")["redis_version"]
        if client.connection_pool.connection_kwargs.get("password") is None:
            raise ValueError(f"version {version} lets in everybody: set a password, and [results] redis_password_file")
    finally:
        client.close()
    return f"version {version}, password, {'TLS' if results.redis_url.startswith('rediss') else 'no TLS'}"


def _guarded(keys: Path | None, oidc: OidcSettings | None, scope: str) -> str:
    open_door(keys, oidc, scope)
    ways = [f"keys in {keys}"] if keys else []
    return " or ".join([*ways, *([f"tokens of {oidc.issuer} for {oidc.audience}"] if oidc else [])])


def _authority(folder: Path) -> str:
    return "; ca.key lies beside them: move it to a safe place" if (folder / "ca.key").exists() else ""


def _urls(results: ResultsSettings, lab: LabSettings) -> dict[str, str]:
    """Return the URLs that stand in settings; a file or ``database_url_file`` is where a password belongs."""
    found = {"[results] redis_url": results.redis_url, "[results] database_url": results.database_url}
    found["[lab_consumer] database_url"] = lab.database_url
    return {key: url for key, url in found.items() if url}


def _named(results: ResultsSettings, lab: LabSettings) -> Iterator[Path]:
    named = (
        results.site.secret_file, lab.key_path, lab.panel_key_path, results.redis_password_file,
        results.database_url_file, lab.database_url_file, *lab.fhir_server_secrets,
        *(path for sink in results.sinks for path in sink.secret_files),
    )  # fmt: skip
    yield from (path for path in named if path is not None)
    if results.site.tls_folder is not None:
        yield from results.site.tls_folder.rglob("*.key")
