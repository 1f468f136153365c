"""A real OpenID provider (panva's oidc-provider in Node); its script and lock file are in ``tests/peers/oidc``."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx

from shared.testing.ports import accepts_connections, free_port, wait_until

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "peers" / "oidc"
CLIENT = "the-ehr"
_INSTALL_TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """A running provider with one client."""

    port: int
    secret: str

    @property
    def issuer(self) -> str:
        """Return what it writes into ``iss``."""
        return f"http://127.0.0.1:{self.port}"

    def token(
        self,
        *,
        audience: str = "oncorelay",
        scope: str = "facts.write",
        algorithm: str = "ES256",
        lifetime_s: int = 300,
    ) -> str:
        """Return a fresh access token by client_credentials."""
        form = {
            "grant_type": "client_credentials",
            "scope": scope,
            "resource": f"urn:oncorelay:{algorithm}:{lifetime_s}:{audience}",
        }
        answer = httpx.post(f"{self.issuer}/token", data=form, auth=(CLIENT, self.secret), timeout=20, trust_env=False)
        return str(answer.raise_for_status().json()["access_token"])


def installed() -> bool:
    """Tell whether this machine can run the provider."""
    return bool(shutil.which("node") and shutil.which("npm") and (FOLDER / "oidc_provider.mjs").exists())


def install() -> None:
    """Fetch the provider's pinned packages unless they are there (``npm ci``, once per checkout)."""
    locks = FOLDER.parents[2] / ".venvs"
    locks.mkdir(exist_ok=True)
    with (locks / ".oidc.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (FOLDER / "node_modules" / ".package-lock.json").exists():
            subprocess.run(["npm", "ci"], cwd=FOLDER, check=True, capture_output=True, timeout=_INSTALL_TIMEOUT_S)


@contextmanager
def start_oidc_provider(
    folder: Path, port: int = 0, backends: Mapping[str, Any] = MappingProxyType({}), backend_lifetime_s: int = 300
) -> Iterator[OidcProvider]:
    """Run the provider, logging into ``folder``; every start has new signing keys.

    ``backends``: clients of SMART Backend Services, client_id -> {"alg": ..., "jwks": ...}.
    """
    install()
    port, secret = port or free_port(), secrets.token_urlsafe(32)
    command = ["node", str(FOLDER / "oidc_provider.mjs"), "--port", str(port)]
    environment = os.environ | {
        "CLIENT_SECRET": secret,
        "BACKEND_CLIENTS": json.dumps(dict(backends)),
        "BACKEND_LIFETIME_S": str(backend_lifetime_s),
    }
    with (folder / "oidc_provider.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        wait_until(lambda: accepts_connections(port), f"the OpenID provider ({folder}/oidc_provider.log)", timeout_s=60)
        yield OidcProvider(port, secret)
    finally:
        process.kill()
        process.wait()
