"""A running lab consumer with both doors open, and a results service that listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Condition
from typing import Any

import grpc
import httpx
import pytest

from services.lab_consumer.app import LabConsumer, build, migrate
from services.lab_consumer.config import FhirServerSettings, Settings, SiteCodeRow
from shared.domain.facts import FactName, PatientFacts
from shared.domain.identity import PatientIdentity
from shared.domain.study import Study
from shared.phantoms.mcode import IFN_ALPHA
from shared.rpc import server
from shared.rpc.clients import LabConsumerClient
from shared.rpc.convert import from_message
from shared.rpc.gen.oncorelay.results.v1 import results_service_pb2 as results
from shared.site.settings import IdentityRow, Site
from shared.testing.fhir_resources import HOSPITAL_SYSTEM
from shared.testing.ports import free_port

SERVICE = "oncorelay.results.v1.ResultsService"
TOKEN = "a-token-of-the-hospital-1234"
HEADERS = {"authorization": f"Bearer {TOKEN}", "content-type": "application/fhir+json"}


@dataclass
class ListeningResults:
    """A real gRPC server that keeps the announcements it is told."""

    told: list[tuple[str, PatientIdentity]] = field(default_factory=list)
    panels: dict[str, Study] = field(default_factory=dict)
    """By UID, as last submitted."""
    changed: Condition = field(default_factory=Condition)

    def announce_facts(self, request: results.AnnounceFactsRequest, context: Any) -> results.AnnounceFactsResponse:
        with self.changed:
            identity = PatientIdentity(request.identity.authority, request.identity.identifier)
            self.told.append((request.request_id, identity))
            self.changed.notify_all()
        return results.AnnounceFactsResponse(case_count=0)

    def submit_case(self, request: results.SubmitCaseRequest, context: Any) -> results.SubmitCaseResponse:
        with self.changed:
            study = from_message(request.study, Study)
            self.panels[study.study_instance_uid] = study
            self.changed.notify_all()
        return results.SubmitCaseResponse(case_ids=["case"])

    def wait_for_panel(self, holds: Callable[[Study], bool], timeout_s: float = 20.0) -> Study:
        with self.changed:
            assert self.changed.wait_for(lambda: any(map(holds, self.panels.values())), timeout_s)
            return next(filter(holds, self.panels.values()))

    def wait_for(self, count: int, timeout_s: float = 20.0) -> list[tuple[str, PatientIdentity]]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.told) >= count, timeout_s), f"{len(self.told)} came"
            return list(self.told)

    def start(self, address: str) -> grpc.Server:
        method = grpc.unary_unary_rpc_method_handler(
            self.announce_facts,
            request_deserializer=results.AnnounceFactsRequest.FromString,
            response_serializer=results.AnnounceFactsResponse.SerializeToString,
        )
        submitting = grpc.unary_unary_rpc_method_handler(
            self.submit_case,
            request_deserializer=results.SubmitCaseRequest.FromString,
            response_serializer=results.SubmitCaseResponse.SerializeToString,
        )
        methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {"AnnounceFacts": method, "SubmitCase": submitting}
        handler = grpc.method_handlers_generic_handler(SERVICE, methods)
        return server.start(address, lambda door: door.add_generic_rpc_handlers((handler,)))


def make_settings(
    folder: Path,
    results_address: str,
    database_url: str = "",
    fhir_server: FhirServerSettings | None = None,
    **more: Any,
) -> Settings:
    (folder / "secrets").mkdir(exist_ok=True)
    (folder / "secrets" / "lab_consumer.token").write_text(TOKEN + "\n")
    return Settings(
        site=Site(data_folder=folder),
        identity=(IdentityRow(name="hospital", fhir_system=HOSPITAL_SYSTEM, hl7_authority="HOSP"),),
        site_code=(SiteCodeRow(system=IFN_ALPHA.system, code=IFN_ALPHA.code, analyte=FactName.IFN_ALPHA),),
        fhir_server=fhir_server,
        http_port=0,
        grpc_address=f"127.0.0.1:{free_port()}",
        results_address=results_address,
        database_url=database_url,
        max_body_bytes=200_000,
        max_entries=100,
        body_timeout_s=2.0,
        announce_retry_s=0.1,
        announce_longest_retry_s=0.2,
        poll_s=0.1,
        **more,
    )


@dataclass
class Running:
    """Both doors of one lab consumer."""

    service: LabConsumer
    http: httpx.Client
    grpc: LabConsumerClient
    results: ListeningResults

    def post(self, resource: dict[str, Any], path: str = "") -> httpx.Response:
        return self.http.post(path or f"/fhir/{resource['resourceType']}", json=resource, headers=HEADERS)

    def facts(self, identifier: str) -> PatientFacts:
        return self.grpc.get_facts(PatientIdentity("hospital", identifier), datetime.now(UTC))


def open_doors(settings: Settings, results: ListeningResults) -> Iterator[Running]:
    migrate(settings)
    service = build(settings)
    service.start()
    client = LabConsumerClient(settings.grpc_address)
    with httpx.Client(base_url=f"http://127.0.0.1:{service.http_port}", headers=HEADERS, timeout=20) as http:
        yield Running(service, http, client, results)
    client.close()
    service.stop()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Running]:
    address, results = f"127.0.0.1:{free_port()}", ListeningResults()
    listening = results.start(address)
    yield from open_doors(make_settings(tmp_path, address), results)
    listening.stop(None).wait()
