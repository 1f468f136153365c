"""Real servers and clients over mutual TLS: who gets in, who may what, and whom the ledger names."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from structlog.testing import capture_logs

from shared.domain.case import ReviewState
from shared.domain.errors import ForbiddenError, NotFoundError, UnauthenticatedError, UnavailableError
from shared.rpc import server
from shared.rpc.access import actor_of
from shared.rpc.clients import LabConsumerClient, ResultsClient
from shared.rpc.gen.oncorelay.results.v1 import results_service_pb2 as pb
from shared.rpc.gen.oncorelay.results.v1.results_service_pb2_grpc import ResultsServiceStub
from shared.security import tls_folder
from shared.security.parties import Party, Role
from shared.security.tls_files import TlsFiles, files_of, server_name
from shared.testing.ports import free_port

NOW = datetime.now(UTC)
SERVICE = "oncorelay.results.v1.ResultsService"


@dataclass
class Listening:
    """Keeps whom the ledger would name."""

    actors: list[str] = field(default_factory=list)

    def retry(self, request: Any, context: Any) -> pb.RetryCaseResponse:
        self.actors.append(actor_of(context, request.actor))
        return pb.RetryCaseResponse(requeued=True)

    def review(self, request: Any, context: Any) -> pb.ReviewCaseResponse:
        self.actors.append(actor_of(context, request.actor))
        return pb.ReviewCaseResponse(finding_id="f")

    def handler(self) -> grpc.GenericRpcHandler:
        methods: dict[str, tuple[Any, Any]] = {
            "RetryCase": (self.retry, pb.RetryCaseRequest),
            "ReviewCase": (self.review, pb.ReviewCaseRequest),
            "ListCases": (lambda _request, _context: pb.ListCasesResponse(), pb.ListCasesRequest),
        }
        return grpc.method_handlers_generic_handler(SERVICE, {
            name: grpc.unary_unary_rpc_method_handler(
                call, request_deserializer=request.FromString,
                response_serializer=lambda answer: answer.SerializeToString(),
            )
            for name, (call, request) in methods.items()
        })  # fmt: skip


@dataclass
class Site:
    folder: Path
    address: str
    ledger: Listening

    def client(self, name: str | None, kind: type[Any] = ResultsClient) -> Any:
        return kind(self.address, tls=files_of(self.folder, name) if name else None, deadline_s=3.0)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    folder, ledger, address = tmp_path / "tls", Listening(), f"127.0.0.1:{free_port()}"
    tls_folder.make_site(folder, "hospital", NOW)
    for role in Role:
        tls_folder.make_person(folder, Party(role.name.lower(), role), NOW)
    running = start(address, ledger, files_of(folder, "results"))
    yield Site(folder, address, ledger)
    running.stop(None).wait()


def start(address: str, ledger: Listening, tls: TlsFiles | None) -> grpc.Server:
    return server.start(address, lambda door: door.add_generic_rpc_handlers((ledger.handler(),)), tls=tls)


def test_a_reader_reads_and_does_not_act(site: Site) -> None:
    client = site.client("people/reader")

    assert client.list_cases() == ()
    with capture_logs() as logs, pytest.raises(ForbiddenError, match="reader may not call RetryCase"):
        client.retry_case("a" * 32, "reader")
    assert site.ledger.actors == []
    assert [line["event"] for line in logs] == ["rpc_denied"]


def test_the_ledger_names_the_certificate_and_not_the_claim(site: Site) -> None:
    client = site.client("people/operator")

    client.retry_case("a" * 32, "the chief physician")
    client.review_case("a" * 32, "the chief physician", ReviewState.ACCEPTED, "")

    assert site.ledger.actors == ["operator", "operator"]


def test_a_service_may_only_what_it_is_there_for(site: Site) -> None:
    with pytest.raises(ForbiddenError, match="oncorelay:service:inference may not call RetryCase"):
        site.client("inference").retry_case("a" * 32, "x")


def test_every_certificate_of_the_site_may_ask_for_health(site: Site) -> None:
    assert site.client("inference").healthy()
    assert site.client("people/reader").healthy()


def test_nobody_gets_in_without_a_certificate_or_with_one_of_another_site(site: Site, tmp_path: Path) -> None:
    tls_folder.make_site(tmp_path / "other", "other", NOW)
    stranger = TlsFiles(site.folder / "ca.pem", tmp_path / "other/inference.pem", tmp_path / "other/inference.key")
    bare = grpc.ssl_channel_credentials((site.folder / "ca.pem").read_bytes())

    with pytest.raises(UnavailableError):
        site.client(None).list_cases()
    with pytest.raises(UnavailableError):
        ResultsClient(site.address, tls=stranger, deadline_s=3.0).list_cases()
    options = [("grpc.ssl_target_name_override", "results.oncorelay.internal")]
    with grpc.secure_channel(site.address, bare, options=options) as channel, pytest.raises(grpc.RpcError):
        ResultsServiceStub(channel).ListCases(pb.ListCasesRequest(), timeout=3)


def test_an_expired_certificate_gets_nobody_in(site: Site) -> None:
    tls_folder.make_person(site.folder, Party("old", Role.READER), NOW - timedelta(days=400))

    with pytest.raises(UnavailableError):
        site.client("people/old").list_cases()


def test_a_client_speaks_to_no_service_that_is_not_the_one_it_asked_for(site: Site) -> None:
    assert not site.client("results", LabConsumerClient).healthy()


def test_a_revoked_certificate_is_refused_at_once(site: Site) -> None:
    client = site.client("people/reader")
    client.list_cases()
    tls_folder.revoke(site.folder, "people/reader")

    with pytest.raises(UnauthenticatedError, match="revoked"):
        client.list_cases()


def test_renewed_certificates_are_used_without_a_restart(site: Site) -> None:
    old = site.client("people/reader")
    old.list_cases()
    before = served(site)
    tls_folder.renew(site.folder, NOW, within_days=1000)

    assert site.client("people/reader").list_cases() == ()
    assert old.list_cases() == ()
    assert before != served(site) == ssl.PEM_cert_to_DER_cert((site.folder / "results.pem").read_text())


def served(site: Site) -> bytes:
    """Return the certificate the server shows now."""
    files = files_of(site.folder, "inference")
    context = ssl.create_default_context(cafile=str(files.authority))
    context.load_cert_chain(files.certificate, files.key)
    context.set_alpn_protocols(["h2"])
    host, port = site.address.split(":")
    with (
        socket.create_connection((host, int(port)), 5) as plain,
        context.wrap_socket(plain, server_hostname=server_name("results")) as secured,
    ):
        return secured.getpeercert(binary_form=True) or b""


def test_without_certificates_only_this_machine_is_spoken_to(tmp_path: Path) -> None:
    with pytest.raises(ForbiddenError, match="oncorelay certs"):
        start(f"0.0.0.0:{free_port()}", Listening(), None)
    with pytest.raises(ForbiddenError, match="oncorelay certs"):
        ResultsClient("results-serve:50051")
    with pytest.raises(NotFoundError, match="oncorelay certs"):
        start(f"0.0.0.0:{free_port()}", Listening(), files_of(tmp_path, "results"))


def test_without_certificates_the_ledger_says_that_nobody_was_proven() -> None:
    ledger, address = Listening(), f"127.0.0.1:{free_port()}"
    running = start(address, ledger, None)
    ResultsClient(address).retry_case("a" * 32, "jane")
    running.stop(None).wait()

    assert ledger.actors == ["jane (not authenticated)"]
