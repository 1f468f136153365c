"""SMART Backend Services against a real OpenID provider and a FHIR server that believes nobody else."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.domain.errors import ForbiddenError, InvalidInputError, UnavailableError
from shared.security.backend_services import BackendServices
from shared.security.token_settings import BackendSettings
from shared.testing import fhir_server, oidc_provider
from shared.testing.fhir_server import FhirServer, start_fhir_server
from shared.testing.oidc_provider import OidcProvider, start_oidc_provider
from shared.testing.ports import free_port

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        not (oidc_provider.installed() and fhir_server.installed()),
        reason="Node is not installed: apt-get install nodejs",
    ),
]
KINDS = {"ES384": "the-relay", "RS384": "the-older-relay"}
LIFETIME_S = 20


def private_key(algorithm: str) -> Any:
    if algorithm == "ES384":
        return ec.generate_private_key(ec.SECP384R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def write_key(key: Any, path: Path) -> Path:
    path.touch(0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def jwk(key: Any, algorithm: str) -> dict[str, Any]:
    kind = jwt.algorithms.ECAlgorithm if algorithm == "ES384" else jwt.algorithms.RSAAlgorithm
    public: dict[str, Any] = json.loads(kind.to_jwk(key.public_key()))
    return public | {"kid": f"key-{algorithm}", "alg": algorithm, "use": "sig"}


@dataclass
class Peers:
    """A provider, a FHIR server behind it, and the keys both know."""

    provider: OidcProvider
    server: FhirServer
    folder: Path

    def settings(self, algorithm: str = "ES384", **changed: Any) -> BackendSettings:
        values: dict[str, Any] = {
            "client_id": KINDS[algorithm], "key_file": self.folder / f"{algorithm}.pem", "key_id": f"key-{algorithm}",
            "algorithm": algorithm,
        }  # fmt: skip
        return BackendSettings(**(values | changed))

    def answer(self, headers: dict[str, str], kind: str = "Patient") -> int:
        return httpx.get(f"{self.server.url}/{kind}", headers=headers, trust_env=False).status_code


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peers]:
    folder = tmp_path_factory.mktemp("backend")
    keys = {algorithm: private_key(algorithm) for algorithm in KINDS}
    backends = {
        client: {"alg": algorithm, "jwks": {"keys": [jwk(keys[algorithm], algorithm)]}}
        for algorithm, client in KINDS.items()
    }
    for algorithm, key in keys.items():
        write_key(key, folder / f"{algorithm}.pem")
    with (
        start_oidc_provider(folder, backends=backends, backend_lifetime_s=LIFETIME_S) as provider,
        start_fhir_server(folder, issuer=provider.issuer) as server,
    ):
        yield Peers(provider, server, folder)


@pytest.mark.parametrize("algorithm", KINDS)
def test_a_signed_assertion_gives_a_token_that_opens_the_fhir_server(peers: Peers, algorithm: str) -> None:
    client = BackendServices(peers.settings(algorithm), peers.server.url)

    assert peers.answer({}) == 401
    assert peers.answer(client.headers()) == 200


def test_a_token_is_kept_until_shortly_before_its_end_and_then_renewed(peers: Peers) -> None:
    seconds = [0.0]
    client = BackendServices(peers.settings(), peers.server.url, clock=lambda: seconds[0])

    first = client.headers()
    seconds[0] += LIFETIME_S / 2 - 1
    assert client.headers() == first
    seconds[0] += 2
    assert client.headers() != first


def test_a_token_that_was_refused_is_not_used_again(peers: Peers) -> None:
    client = BackendServices(peers.settings(), peers.server.url)
    first = client.headers()
    client.refused()

    assert client.headers() != first


def test_only_what_was_asked_for_is_open(peers: Peers) -> None:
    client = BackendServices(peers.settings(scope="system/Observation.rs"), peers.server.url)

    assert peers.answer(client.headers(), "Observation") == 200
    assert peers.answer(client.headers(), "Patient") == 401


def test_a_stranger_s_key_is_refused_and_told_by_its_code(peers: Peers, tmp_path: Path) -> None:
    other = write_key(private_key("ES384"), tmp_path / "other.pem")
    client = BackendServices(peers.settings(key_file=other), peers.server.url)

    with pytest.raises(ForbiddenError, match="refuses us: invalid_client"):
        client.headers()


def test_a_scope_nobody_may_have_opens_nothing(peers: Peers) -> None:
    client = BackendServices(peers.settings(scope="system/*.cruds"), peers.server.url)

    assert peers.answer(client.headers()) == 401


def test_the_token_endpoint_can_be_pinned(peers: Peers) -> None:
    settings = peers.settings(token_url=f"{peers.provider.issuer}/token")
    asked = len(peers.server.asked())

    assert BackendServices(settings, peers.server.url).headers()
    assert len(peers.server.asked()) == asked


def test_a_provider_that_is_away_is_a_temporary_refusal(peers: Peers) -> None:
    settings = peers.settings(token_url=f"http://127.0.0.1:{free_port()}/token")

    with pytest.raises(UnavailableError, match="the authorization server cannot be read"):
        BackendServices(settings, peers.server.url).headers()


def test_a_server_without_smart_configuration_is_told(peers: Peers) -> None:
    with pytest.raises(UnavailableError, match="SMART configuration cannot be read"):
        BackendServices(peers.settings(), peers.provider.issuer).headers()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda path: path.chmod(0o640), "is open to others: chmod 600 it"),
        (lambda path: path.write_text("no key"), "cannot be read as a PEM key"),
        (os.unlink, "cannot be read as a PEM key"),
        (lambda path: write_key(ec.generate_private_key(ec.SECP256R1()), path), "ES384 needs an elliptic-curve key"),
        (lambda path: write_key(private_key("RS384"), path), "ES384 needs an elliptic-curve key"),
    ],
)
def test_a_key_that_cannot_serve_is_told_at_start(
    tmp_path: Path, change: Callable[[Path], object], reason: str
) -> None:
    path = write_key(private_key("ES384"), tmp_path / "key.pem")
    change(path)
    settings = BackendSettings(client_id="x", key_file=path, key_id="k")

    with pytest.raises(InvalidInputError, match=reason):
        BackendServices(settings, "https://ehr.example.org/fhir")


@pytest.mark.parametrize("url", ["http://ehr.example.org/fhir", "ftp://127.0.0.1/x", ""])
def test_nothing_is_asked_in_the_clear(tmp_path: Path, url: str) -> None:
    path = write_key(private_key("ES384"), tmp_path / "key.pem")

    with pytest.raises(InvalidInputError, match="must be an https URL"):
        BackendServices(BackendSettings(client_id="x", key_file=path, key_id="k"), url)


def test_neither_token_nor_key_is_shown(peers: Peers) -> None:
    client = BackendServices(peers.settings(), peers.server.url)
    token = client.headers()["Authorization"].split()[1]

    assert token not in repr(client)
