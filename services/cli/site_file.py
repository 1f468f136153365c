"""site.toml: the commented default, and the keys that must exist before anything starts."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shared.site.settings import CONFIG_VARIABLE
from shared.site.site_secret import make_secret

Table = Mapping[str, Any]

DEFAULT_DATA_FOLDER = Path.home() / ".oncorelay"

_OWNER_ONLY = 0o700
TOKEN_NAME = "lab_consumer.token"  # noqa: S105 - names of files below "secrets"
REDIS_PASSWORD_NAME = "redis.password"  # noqa: S105
SLIDE_INBOX = "slide-inbox"
"""Folder below the data folder where a site without scanners' folders drops slides."""

_HEADER = """\
# One hospital's configuration. Every key can be overridden by the environment: ONCORELAY_<TABLE>__<KEY>.
# All keys with their meaning: services/*/config.py. Check it with: oncorelay doctor
"""


def to_toml(tables: Mapping[str, Table | Sequence[Table]]) -> str:
    """Return a TOML document; a sequence of tables becomes an array of tables, tables in tables are inline.

    JSON scalars are TOML scalars.
    """
    lines = [_HEADER]
    for name, content in tables.items():
        rows: Sequence[Table] = [content] if isinstance(content, Mapping) else content
        for row in rows:
            lines.append(f"[{name}]" if rows is not content else f"[[{name}]]")
            lines += [f"{key} = {_value(value)}" for key, value in row.items()]
            lines.append("")
    return "\n".join(lines)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, default=str)


def default_tables(data_folder: Path) -> dict[str, Table | Sequence[Table]]:
    """Return a site with embedded parts, standard ports, and a folder as its only sink."""
    redis = {
        "redis_url": "redis://127.0.0.1:50063/0",
        "redis_password_file": str(data_folder / "secrets" / REDIS_PASSWORD_NAME),
    }
    return {
        "site": {
            "site_id": "my-hospital", "data_folder": str(data_folder), "tls_folder": str(data_folder / "tls"),
            "slide_folders": [str(data_folder / SLIDE_INBOX)],
        },
        "identity": [{"name": "hospital", "dicom_issuer": "", "fhir_system": "http://hospital.example.org"}],
        "up": {"embedded_redis": True, "redis_port": 50063},
        "dicom_listener": {
            "port": 11112,
            "ae_title": "ONCORELAY",
            "calling_ae_titles": ["PACS", "ONCORELAYSEND"],
            "ops_address": "127.0.0.1:50071",
            "slide_ingestion_address": "127.0.0.1:50055",
        },
        "lab_consumer": {
            "http_port": 8080,
            "ops_address": "127.0.0.1:50072",
            "slide_ingestion_address": "127.0.0.1:50055",
        },
        "slide_ingestion": {"grpc_address": "127.0.0.1:50055", "ops_address": "127.0.0.1:50078"},
        "results": {
            **redis,
            "ops_address": "127.0.0.1:50073",
            "dispatch_ops_address": "127.0.0.1:50074",
            "deliver_ops_address": "127.0.0.1:50075",
        },
        "inference": {
            **redis,
            "ops_address": "127.0.0.1:50076",
            "explain_address": "127.0.0.1:50054",
            "explain_ops_address": "127.0.0.1:50077",
        },
        "sinks": [{"name": "results-folder", "kind": "folder", "folder": str(data_folder / "results")}],
    }  # fmt: skip


def choose(config: Path | None) -> None:
    """Point this process, and everything it starts, at one site file.

    Order: ``--config``, ``ONCORELAY_CONFIG``, ``~/.oncorelay/site.toml`` where there is one, else built-in defaults.
    """
    default = DEFAULT_DATA_FOLDER / "site.toml"
    if config is not None:
        os.environ[CONFIG_VARIABLE] = str(config.absolute())
    elif not os.environ.get(CONFIG_VARIABLE) and default.exists():
        os.environ[CONFIG_VARIABLE] = str(default)


def choose_or_write() -> Path:
    """Return the site file chosen; write ``~/.oncorelay/site.toml`` with defaults where there is none."""
    if not os.environ.get(CONFIG_VARIABLE):
        path = DEFAULT_DATA_FOLDER / "site.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(to_toml(default_tables(path.parent)))
        os.environ[CONFIG_VARIABLE] = str(path)
    return Path(os.environ[CONFIG_VARIABLE])


def make_keys(data_folder: Path, secret_file: Path | None = None) -> None:
    """Make what is missing: the site's secret, keys of panels, slides and the FHIR door, Redis' password (0600).

    Data folder and its secrets are closed to everybody but their owner (mode 0700).
    """
    for folder in (data_folder, data_folder / "secrets"):
        folder.mkdir(parents=True, exist_ok=True, mode=_OWNER_ONLY)
        if folder.stat().st_mode & 0o777 != _OWNER_ONLY:
            folder.chmod(_OWNER_ONLY)
    make_secret(secret_file or data_folder / "secrets" / "site.key")
    for name in ("panels.key", "slides.key"):
        make_secret(data_folder / "secrets" / name)
    for name in (TOKEN_NAME, REDIS_PASSWORD_NAME):
        _make_token(data_folder / "secrets" / name)


def _make_token(path: Path) -> None:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32) + "\n")
