"""Results reach a FHIR server that believes nobody without a token of its own authorization server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from services.results.config import Settings, SinkSettings
from services.results.deliver.adapters.sinks import build_sink
from services.results.deliver.ports import NotReachedError, RefusedError
from shared.domain.errors import ForbiddenError, InvalidInputError
from shared.testing import fhir_server, oidc_provider
from shared.testing.fhir_server import FhirServer, start_fhir_server
from shared.testing.oidc_provider import OidcProvider, start_oidc_provider
from tests.integration.deliver.conftest import Patient

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        not (oidc_provider.installed() and fhir_server.installed()),
        reason="Node is not installed: apt-get install nodejs",
    ),
]
CLIENT, KEY_ID = "the-relay", "key-1"


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "relay.pem"
    path.touch(0o600)
    key = ec.generate_private_key(ec.SECP384R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    path.with_suffix(".jwk").write_text(json.dumps(public | {"kid": KEY_ID, "alg": "ES384", "use": "sig"}))
    return path


@pytest.fixture(scope="module")
def provider(key_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcProvider]:
    backends = {CLIENT: {"alg": "ES384", "jwks": {"keys": [json.loads(key_file.with_suffix(".jwk").read_text())]}}}
    with start_oidc_provider(tmp_path_factory.mktemp("oidc"), backends=backends) as running:
        yield running


@pytest.fixture(scope="module")
def guarded(provider: OidcProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FhirServer]:
    with start_fhir_server(tmp_path_factory.mktemp("guarded"), issuer=provider.issuer) as running:
        yield running


def table(guarded: FhirServer, key_file: Path, **changed: Any) -> SinkSettings:
    backend = {"client_id": CLIENT, "key_file": str(key_file), "key_id": KEY_ID, **changed}
    return SinkSettings.model_validate({"name": "ehr", "kind": "fhir", "url": guarded.url, "backend": backend})


def in_the_chart(guarded: FhirServer, provider: OidcProvider, patient: Patient, *, known: bool = False) -> list[Any]:
    """Return the patient's RiskAssessments, seen by somebody else; ``known`` puts the Patient there before."""
    scope = "system/Patient.crus system/RiskAssessment.crus"
    token = provider.token(audience="fhir", scope=scope, algorithm="ES384")
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=20) as client:
        if known:
            client.put(f"{guarded.url}/Patient/{patient.fhir_id}", json=patient.resource()).raise_for_status()
        answer = client.get(f"{guarded.url}/RiskAssessment?subject=Patient/{patient.fhir_id}").raise_for_status()
    return list(answer.json().get("entry", []))


def test_a_result_is_delivered_and_read_back_with_a_token_of_our_own(
    guarded: FhirServer, provider: OidcProvider, key_file: Path, settings: Settings, patient: Patient, opened: ExitStack
) -> None:
    in_the_chart(guarded, provider, patient, known=True)
    sink = build_sink(settings, table(guarded, key_file), opened)
    sent = sink.deliver(patient.of(patient.findings.prediction()), ())
    assert sent.object_id.startswith("RiskAssessment/")
    assert len(in_the_chart(guarded, provider, patient)) == 1


def test_a_token_that_is_refused_is_asked_for_anew_once(
    guarded: FhirServer, provider: OidcProvider, key_file: Path, settings: Settings, patient: Patient, opened: ExitStack
) -> None:
    in_the_chart(guarded, provider, patient, known=True)
    asked = table(guarded, key_file, token_url=f"{provider.issuer}/token")
    sink = build_sink(settings, asked, opened)
    guarded.fail_next(401)
    assert sink.deliver(patient.of(patient.findings.prediction()), ()).object_id


def test_a_scope_that_does_not_suffice_is_said_so(
    guarded: FhirServer, provider: OidcProvider, key_file: Path, settings: Settings, patient: Patient, opened: ExitStack
) -> None:
    in_the_chart(guarded, provider, patient, known=True)
    scope = "system/Patient.rs system/Observation.rs"
    sink = build_sink(settings, table(guarded, key_file, scope=scope), opened)
    with pytest.raises(RefusedError, match="401"):
        sink.deliver(patient.of(patient.findings.prediction()), ())
    assert in_the_chart(guarded, provider, patient) == []


def test_a_client_nobody_knows_is_refused_for_good(
    guarded: FhirServer, key_file: Path, settings: Settings, patient: Patient, opened: ExitStack
) -> None:
    sink = build_sink(settings, table(guarded, key_file, client_id="somebody-else"), opened)
    with pytest.raises(ForbiddenError, match="the authorization server refuses us"):
        sink.deliver(patient.of(patient.findings.prediction()), ())


def test_an_authorization_server_that_is_away_costs_no_try(
    guarded: FhirServer, key_file: Path, settings: Settings, patient: Patient, opened: ExitStack
) -> None:
    sink = build_sink(settings, table(guarded, key_file, token_url="http://127.0.0.1:1/token"), opened)
    with pytest.raises(NotReachedError):
        sink.deliver(patient.of(patient.findings.prediction()), ())


def test_a_key_open_to_others_is_refused_at_the_start(
    guarded: FhirServer, tmp_path: Path, settings: Settings, opened: ExitStack, key_file: Path
) -> None:
    open_key = tmp_path / "open.pem"
    open_key.write_bytes(key_file.read_bytes())
    open_key.chmod(0o644)
    with pytest.raises(InvalidInputError, match="chmod 600"):
        build_sink(settings, table(guarded, open_key), opened)


@pytest.mark.parametrize("changed", [{"kind": "folder"}, {"token_file": "x"}])
def test_a_table_that_says_two_things_is_refused(changed: dict[str, Any]) -> None:
    backend = {"client_id": CLIENT, "key_file": "k", "key_id": KEY_ID}
    rows = {"name": "ehr", "kind": "fhir", "url": "https://ehr.example.org/r4", "backend": backend, **changed}
    with pytest.raises(ValidationError, match="instead of token_file"):
        SinkSettings.model_validate(rows)
