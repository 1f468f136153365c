"""Over mutual TLS, whatever a request claims, the ledger names the person of the certificate; what is shown is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from services.cli.__main__ import oncorelay
from services.dicom_listener.adapters.erasure_server import ErasureServicer
from services.lab_consumer import app as lab_consumer
from services.lab_consumer.config import Settings as LabSettings
from services.results.config import Settings
from services.results.ledger.database import upgrade
from services.results.ledger.deliveries import LedgerDeliveries
from services.results.ledger.ledger import Ledger, assemble, open_ledger
from services.results.ledger.policy import Policy, SinkPolicy
from services.results.serve.app import start
from shared.domain.governance import ObjectErasure
from shared.domain.slides import SlidePolicy
from shared.rpc import server
from shared.rpc.clients import ServiceClient, new_request_id
from shared.rpc.convert import to_message
from shared.rpc.gen.oncorelay.lab_consumer.v1 import erasure_service_pb2, lab_consumer_service_pb2
from shared.rpc.gen.oncorelay.results.v1 import delivery_service_pb2, governance_service_pb2, results_service_pb2
from shared.rpc.gen.oncorelay.types.v1 import types_pb2
from shared.rpc.governance import ObjectErasureClient
from shared.security import tls_folder
from shared.security.parties import Party, Role
from shared.security.rights import RIGHTS
from shared.site.settings import CONFIG_VARIABLE
from shared.site.site_secret import make_secret
from shared.testing.cases import BUNDLE, PATIENT
from shared.testing.ports import free_port
from shared.testing.slides import a_slide_study
from tests.contract.ledger.steps import pinned, predicted, studied
from tests.contract.ledger.test_region_confirmation import PROPOSED, image_pins
from tests.integration.results.test_slides_in_the_ledger import Site as SlideSite

pytestmark = pytest.mark.integration

FORGED = "the-chief-physician"
NOBODY_IS_SHOWN = {"ListRecalls", "ListAcceptances", "GetErasure", "ListSinks", "ListRefusals"}
"""Reads that say nothing about a patient's case."""
LISTENERS = {f"/oncorelay.dicom_listener.v1.ErasureService/{name}" for name in ("ErasePatient", "GetErasure")}
"""The listener's door has no field for an actor at all; whom it names is tested below."""
SLIDES = {
    method for method, right in RIGHTS.items() if "slide_ingestion" in method and right.role is not None
}  # fmt: skip
"""Slide ingestion is a process of its own: tests/e2e/test_slides.py shows that it believes the certificate."""
NOBODY_IS_MEANT = {"/oncorelay.inference.v1.ExplainService/Explain"}
"""Values without a patient: nothing is done that anybody could be named for."""


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Running:
    """Both services that people speak to, and the ledger below them."""

    settings: Settings
    lab: LabSettings
    ledger: Ledger

    def dead_letter(self, number: int) -> str:
        """Make a case whose only delivery, to ``pacs``, ended as a dead letter."""
        small = assemble(self.ledger.engine, self.ledger.trail.keys, Policy(sinks=(SinkPolicy("pacs", "folder"),)))
        predicted(small, now, number)
        due = LedgerDeliveries(self.ledger.engine).take_due("pacs", now(), 30, lambda finding: f"{finding.revision}")
        assert due is not None
        LedgerDeliveries(self.ledger.engine).give_up(due, "it does not know us", now())
        return due.delivery_id

    def reviewable(self, number: int) -> str:
        """Make a case that waits for a person's verdict."""
        policy = Policy(sinks=(SinkPolicy("pacs", "folder"),), review_required=True)
        return predicted(assemble(self.ledger.engine, self.ledger.trail.keys, policy), now, number)

    def proposed(self, number: int) -> str:
        """Make a case whose region waits for a person."""
        case_id = studied(self.ledger, now, number)
        pinned(self.ledger, now, image_pins())
        claim = self.ledger.attempts.claim(f"claim-{case_id}", case_id, 1, "worker", now())
        self.ledger.attempts.answer(f"propose-{case_id}", case_id, claim.attempt, PROPOSED, now())
        return case_id

    def scored(self) -> tuple[str, str]:
        """Make a case whose slide is scored; return it and its finding."""
        nobody = assemble(self.ledger.engine, self.ledger.trail.keys, Policy(sinks=()))
        slides = SlideSite(self.settings.site.data_folder, nobody, SlidePolicy())
        case_id = slides.submit(a_slide_study())
        slides.run(case_id)
        return case_id, slides.detail(case_id).findings[-1].finding_id

    def call(self, person: str, method: str, request: Any) -> Any:
        """Call any RPC as this person."""
        service = "lab_consumer" if ".lab_consumer." in method else "results"
        address = self.lab.grpc_address if service == "lab_consumer" else self.settings.grpc_address
        kind = type("Client", (ServiceClient,), {"name": service})
        client = kind(address, tls=self.settings.site.tls(f"people/{person}"))
        answer = next(
            getattr(module, f"{method.rsplit('/', 1)[-1]}Response") for module in MODULES
            if module.DESCRIPTOR.services_by_name.get(method.split("/")[1].rsplit(".", 1)[-1])
        )  # fmt: skip
        try:
            return client.channel.unary_unary(
                method, request_serializer=type(request).SerializeToString, response_deserializer=answer.FromString
            )(request, timeout=10)
        finally:
            client.close()


MODULES = (
    results_service_pb2, governance_service_pb2, delivery_service_pb2, erasure_service_pb2, lab_consumer_service_pb2,
)  # fmt: skip


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    (tmp_path / "site.toml").write_text(
        f'[site]\ndata_folder = "{tmp_path}"\ntls_folder = "{tmp_path}/tls"\n'
        f'[results]\ngrpc_address = "127.0.0.1:{free_port()}"\n'
        f'[lab_consumer]\ngrpc_address = "127.0.0.1:{free_port()}"\nhttp_port = 0\n'
        f'[[sinks]]\nname = "pacs"\nkind = "folder"\nfolder = "{tmp_path}/pacs"\n'
        f'[[sinks]]\nname = "b"\nkind = "folder"\nfolder = "{tmp_path}/b"\n'
    )  # fmt: skip
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "site.toml"))
    monkeypatch.setenv("ONCORELAY_PERSON", "jane")
    settings, lab = Settings(), LabSettings()
    tls_folder.make_site(tmp_path / "tls", "hospital", now())
    tls_folder.make_person(tmp_path / "tls", Party("jane", Role.ADMINISTRATOR), now())
    make_secret(settings.site.secret_file)
    ledger = open_ledger(settings)
    upgrade(ledger.engine)
    lab_consumer.migrate(lab)
    (tmp_path / "secrets" / "lab_consumer.token").write_text("a-token-of-the-hospital-1234")
    serve, consumer = start(settings), lab_consumer.build(lab)
    consumer.start()
    yield Running(settings, lab, ledger)
    consumer.stop()
    serve.stop()
    ledger.engine.dispose()


def requests(site: Running) -> dict[str, Callable[[], Any]]:
    """Return a request that does something, for every RPC that is open to people."""
    r, g, d = results_service_pb2, governance_service_pb2, delivery_service_pb2

    def write() -> dict[str, Any]:
        return {"request_id": new_request_id(), "actor": FORGED, "reason": "why"}

    slide, finding = site.scored()
    corner = [types_pb2.Point(x=x, y=y) for x, y in ((0, 0), (5000, 0), (0, 5000))]
    letters = [site.dead_letter(1), site.dead_letter(2)]
    waiting, undrawn = site.reviewable(3), site.proposed(4)
    shown = site.ledger.queries.cases(now(), 10, "")[0].case_id
    site.ledger.intake.notice(new_request_id(), "test", "look at this", shown, now())
    person = to_message(PATIENT, types_pb2.PatientIdentity)
    return {
        "ListCases": lambda: r.ListCasesRequest(actor=FORGED),
        "GetCase": lambda: r.GetCaseRequest(case_id=shown, actor=FORGED),
        "ListNotices": r.ListNoticesRequest,
        "ListDeliveries": d.ListDeliveriesRequest,
        "ListSinks": d.ListSinksRequest,
        "ListAudit": lambda: g.ListAuditRequest(case_id=shown),
        "ListRefusals": lab_consumer_service_pb2.ListRefusalsRequest,
        "RedirectDelivery": lambda: d.RedirectDeliveryRequest(delivery_id=letters[0], to_sink="b", **write()),
        "ResendDelivery": lambda: d.ResendDeliveryRequest(delivery_id=letters[1], **write()),
        "RetryCase": lambda: r.RetryCaseRequest(request_id="retry", case_id=shown, actor=FORGED),
        "ReviewCase": lambda: r.ReviewCaseRequest(case_id=waiting, verdict=r.REVIEW_STATE_ACCEPTED, **write()),
        "ConfirmRegion": lambda: r.ConfirmRegionRequest(
            case_id=undrawn, digest=PROPOSED.artefact.digest, confirmed=True, **write()
        ),
        "ExcludeRegion": lambda: r.ExcludeRegionRequest(
            case_id=slide, finding_id=finding, outlines=[r.Outline(points=corner)], **write()
        ),
        "WithdrawCase": lambda: r.WithdrawCaseRequest(case_id=waiting, **write()),
        "RecallBundle": lambda: g.RecallBundleRequest(bundle_id=BUNDLE.bundle_id, **write()),
        "ListRecalls": g.ListRecallsRequest,
        "AcceptBundle": lambda: g.AcceptBundleRequest(
            bundle_id=BUNDLE.bundle_id,
            version="1.0.0",
            digest="a" * 64,
            report_sha256="b" * 64,
            accepted_by="board",
            **write(),
        ),
        "ListAcceptances": g.ListAcceptancesRequest,
        "ErasePatient": lambda: g.ErasePatientRequest(identity=person, **write()),
    }


def test_no_request_makes_the_ledger_name_somebody_else(site: Running) -> None:
    of_people = {method for method, right in RIGHTS.items() if right.role is not None}
    open_to_people = of_people - LISTENERS - SLIDES - NOBODY_IS_MEANT
    made = requests(site)
    erasure = ""
    for method in sorted(open_to_people, key=lambda one: [*made, "GetErasure"].index(one.rsplit("/", 1)[-1])):
        name = method.rsplit("/", 1)[-1]
        before = len(site.ledger.trail.rows(page_size=5000))
        if "ErasureService" in method:
            with capture_logs() as logs:
                identity = to_message(PATIENT, types_pb2.PatientIdentity)
                site.call("jane", method, erasure_service_pb2.ErasePatientRequest(request_id="e", identity=identity))
            assert [line["actor"] for line in logs if line["event"] == "facts_erased"] == ["jane"]
            continue
        request = governance_service_pb2.GetErasureRequest(erasure_id=erasure) if name == "GetErasure" else made[name]()
        answer = site.call("jane", method, request)
        if name == "ErasePatient":
            erasure = answer.erasure.erasure_id
        actors = {row.actor for row in site.ledger.trail.rows(page_size=5000)[before:]}
        assert ("jane" in actors) == (name not in NOBODY_IS_SHOWN), f"{name}: {actors}"
    everything = str(site.ledger.trail.rows(page_size=5000))
    assert FORGED not in everything


def test_a_reader_who_leaves_the_name_empty_is_named_all_the_same(site: Running) -> None:
    site.dead_letter(1)
    before = len(site.ledger.trail.rows())
    site.call("jane", "/oncorelay.results.v1.ResultsService/ListCases", results_service_pb2.ListCasesRequest())

    assert [(row.act, row.actor) for row in site.ledger.trail.rows()[before:]] == [("view.list", "jane")]


@pytest.mark.parametrize("command", ["cases", "letters", "sinks", "audit verify", "models recalls"])
def test_every_command_that_asks_the_ledger_speaks_tls(site: Running, command: str) -> None:
    done = CliRunner().invoke(oncorelay, command.split(), catch_exceptions=False)

    assert done.exit_code == 0, done.output


def test_doctor_asks_for_deliveries_over_tls(site: Running) -> None:
    done = CliRunner().invoke(oncorelay, ["doctor", "--json"])

    assert '"detail": "all sinks closed' in done.output, done.output


def test_a_letter_is_sent_again_in_the_name_of_the_certificate(site: Running) -> None:
    letter = site.dead_letter(1)
    done = CliRunner().invoke(oncorelay, ["letters", "resend", letter, "--reason", "repaired"], catch_exceptions=False)

    assert "due again" in done.output
    assert "jane" in {row.actor for row in site.ledger.trail.rows()}


@dataclass
class _Erasing:
    """The listener's use case, without a listener."""

    erasure: ObjectErasure

    def __call__(self, request_id: str, identity: object) -> ObjectErasure:
        return self.erasure


def test_the_listener_names_the_certificate_when_it_erases(site: Running) -> None:
    address, tls = f"127.0.0.1:{free_port()}", site.settings.site.tls("dicom_listener")
    servicer = ErasureServicer(_Erasing(ObjectErasure("e", 0, 0, 0)))  # type: ignore[arg-type]
    door = server.start(address, servicer.register, tls=tls)
    client = ObjectErasureClient(address, tls=site.settings.site.tls("people/jane"))
    with capture_logs() as logs:
        client.erase(PATIENT, "why")
    client.close()
    door.stop(None).wait()

    assert [line["actor"] for line in logs if line["event"] == "images_erased"] == ["jane"]
