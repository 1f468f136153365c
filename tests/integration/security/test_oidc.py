"""Access tokens of a real OpenID provider, good ones and every kind of bad one; also at the FHIR door."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from services.lab_consumer.app import build, migrate
from services.lab_consumer.config import Settings
from shared.domain.errors import ForbiddenError, UnauthenticatedError, UnavailableError
from shared.security.doorkeeper import open_door
from shared.security.issuer_keys import PAUSE_S, STALE_S, IssuerKeys
from shared.security.oidc import OidcGate
from shared.security.token_settings import OidcSettings
from shared.security.tokens import Gate
from shared.site.settings import IdentityRow, Site
from shared.testing import oidc_provider
from shared.testing.fhir_resources import HOSPITAL_SYSTEM
from shared.testing.oidc_provider import CLIENT, OidcProvider, start_oidc_provider
from shared.testing.ports import free_port

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not oidc_provider.installed(), reason="Node and npm are needed: apt-get install nodejs npm"),
]


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcProvider]:
    with start_oidc_provider(tmp_path_factory.mktemp("oidc")) as running:
        yield running


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def gate_of(provider: OidcProvider, clock: Clock | None = None, **settings: Any) -> OidcGate:
    chosen = OidcSettings(**{"issuer": provider.issuer, "audience": "oncorelay", "leeway_s": 0.0, **settings})
    return OidcGate(chosen, IssuerKeys(provider.issuer, clock or Clock()))


def refuse(gate: Gate, token: str, why: str = ".") -> None:
    with pytest.raises(UnauthenticatedError, match=why) as refused:
        gate.caller(f"Bearer {token}")
    assert len(token) < 9 or token not in str(refused.value)


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "PS256", "ES256", "ES384"])
def test_a_token_of_the_provider_names_its_client_and_scopes(provider: OidcProvider, algorithm: str) -> None:
    caller = gate_of(provider).caller(f"Bearer {provider.token(algorithm=algorithm)}")

    assert (caller.name, caller.scopes) == (CLIENT, frozenset({"facts.write"}))


def test_an_algorithm_outside_the_list_is_refused(provider: OidcProvider) -> None:
    refuse(gate_of(provider), provider.token(algorithm="RS512"), "signed with one of")


def test_a_token_for_somebody_else_is_refused(provider: OidcProvider) -> None:
    refuse(gate_of(provider), provider.token(audience="the-portal"), "InvalidAudienceError")


def test_a_token_that_is_over_is_refused(provider: OidcProvider) -> None:
    token = provider.token(lifetime_s=1)
    gate = gate_of(provider)
    ends = jwt.decode(token, options={"verify_signature": False})["exp"]
    time.sleep(max(0.0, ends - time.time()) + 0.1)

    refuse(gate, token, "ExpiredSignatureError")
    assert gate_of(provider, leeway_s=30.0).caller(f"Bearer {token}").name == CLIENT


def test_a_token_of_another_issuer_is_refused(provider: OidcProvider, tmp_path: Path) -> None:
    with start_oidc_provider(tmp_path) as other:
        refuse(gate_of(provider), other.token(), "does not publish")


def test_an_issuer_that_is_only_spelled_otherwise_is_another_one(provider: OidcProvider) -> None:
    gate = OidcGate(
        OidcSettings(issuer=provider.issuer + "/", audience="oncorelay"), IssuerKeys(provider.issuer, Clock())
    )
    refuse(gate, provider.token(), "InvalidIssuerError")


def test_new_keys_of_the_provider_are_taken_and_old_tokens_end_with_them(tmp_path: Path) -> None:
    port, clock = free_port(), Clock()
    with start_oidc_provider(tmp_path, port) as before:
        gate, old = gate_of(before, clock), before.token()
        gate.caller(f"Bearer {old}")
    with start_oidc_provider(tmp_path, port) as after:
        new = after.token()
        refuse(gate, new, "does not publish")  # asked a moment ago: strangers cannot make us ask all the time
        clock.now += PAUSE_S
        assert gate.caller(f"Bearer {new}").name == CLIENT
        refuse(gate, old, "does not publish")


def test_a_provider_that_is_away_is_trusted_for_a_while_and_then_nobody_gets_in(tmp_path: Path) -> None:
    clock = Clock()
    with start_oidc_provider(tmp_path) as running:
        gate, token = gate_of(running, clock, leeway_s=300.0), running.token()
        gate.caller(f"Bearer {token}")
    clock.now += STALE_S - 1
    assert gate.caller(f"Bearer {token}").name == CLIENT
    clock.now += PAUSE_S
    with pytest.raises(UnavailableError):
        gate.caller(f"Bearer {token}")


def test_a_provider_that_was_never_there_is_a_temporary_refusal() -> None:
    nobody = OidcProvider(free_port(), "")
    token = jwt.encode({"sub": "x"}, "k" * 32, headers={"alg": "HS256", "kid": "1"})

    refuse(gate_of(nobody), token, "signed with one of")
    with pytest.raises(UnavailableError):
        gate_of(nobody).caller(f"Bearer {forged({}, 'ES256')}")


def forged(claims: dict[str, Any], algorithm: str, key_id: str = "1") -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": key_id})


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_forged_tokens_prove_nobody(provider: OidcProvider) -> None:
    good = provider.token()
    gate, header = gate_of(provider), jwt.get_unverified_header(good)
    claims = jwt.decode(good, options={"verify_signature": False})
    head, body, signature = good.split(".")

    refuse(gate, forged(claims, "ES256", header["kid"]), "InvalidSignatureError")
    refuse(gate, f"{part({'alg': 'none', 'kid': header['kid']})}.{body}.", "signed with one of")
    refuse(gate, f"{part({**header, 'alg': 'HS256'})}.{body}.{signature}", "signed with one of")
    refuse(gate, f"{part({**header, 'alg': 'RS256'})}.{body}.{signature}", "does not fit")
    refuse(gate, f"{part({**header, 'crit': ['x']})}.{body}.{signature}", "access token|not valid")
    refuse(gate, f"{part({**header, 'typ': 'logout+jwt'})}.{body}.{signature}", "access token")
    refuse(gate, f"{head}.{part({**claims, 'scope': 'facts.write cases.read'})}.{signature}", "InvalidSignatureError")
    refuse(gate, good + "A" * 10_000, "too long")
    for broken in ("x", "a.b.c", "..", f"{head}.{body}", "é.é.é"):
        refuse(gate, broken)


def test_a_token_may_be_limited_to_one_use(provider: OidcProvider) -> None:
    gate, token = gate_of(provider, single_use=True), provider.token()

    gate.caller(f"Bearer {token}")
    refuse(gate, token, "used before")
    assert gate.caller(f"Bearer {provider.token()}").name == CLIENT


def test_a_door_wants_its_scope(provider: OidcProvider) -> None:
    door = open_door(None, OidcSettings(issuer=provider.issuer, audience="oncorelay"), "facts.write")

    assert door.admit(f"Bearer {provider.token()}", "192.0.2.1").name == CLIENT
    with pytest.raises(ForbiddenError, match=r"has not the scope facts\.write"):
        door.admit(f"Bearer {provider.token(scope='images.write')}", "192.0.2.1")


def test_keys_and_tokens_may_open_the_same_door(provider: OidcProvider, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("lis a-key-of-the-laboratory\n")
    door = open_door(tmp_path / "keys", OidcSettings(issuer=provider.issuer, audience="oncorelay"), "facts.write")

    assert door.admit("Bearer a-key-of-the-laboratory", "").name == "lis"
    assert door.admit(f"Bearer {provider.token()}", "").name == CLIENT


def test_the_fhir_door_opens_to_tokens_of_the_provider_only(provider: OidcProvider, tmp_path: Path) -> None:
    settings = Settings(
        site=Site(data_folder=tmp_path),
        identity=(IdentityRow(name="hospital", fhir_system=HOSPITAL_SYSTEM),),
        http_port=0,
        grpc_address=f"127.0.0.1:{free_port()}",
        oidc=OidcSettings(issuer=provider.issuer, audience="oncorelay"),
    )
    migrate(settings)
    service = build(settings)
    service.start()
    url = f"http://127.0.0.1:{service.http_port}"

    def post(token: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}", "content-type": "application/fhir+json"}
        body = {"resourceType": "Patient", "id": "p1"}
        return httpx.post(f"{url}/fhir/Patient", json=body, headers=headers, timeout=20)

    try:
        assert post(provider.token()).status_code < 300
        assert [post(token).status_code for token in ("a-key", provider.token(audience="x"))] == [401, 401]
        denied = post(provider.token(scope="images.write"))
        assert (denied.status_code, denied.json()["issue"][0]["code"]) == (403, "forbidden")
        assert httpx.get(f"{url}/health", timeout=20).json() == {"status": "ok"}
        answers = {post("wrong").status_code for _ in range(40)}
        assert answers == {401, 503}
    finally:
        service.stop()
