"""Orders over the real doors: hl7apy writes and judges OML^O21, python-hl7 sends it, slide ingestion hears of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition
from typing import Any

import grpc
import hl7
import hl7.mllp
import pytest
from hl7apy.core import Group, Message, Segment
from hl7apy.parser import parse_message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.lab_consumer.config import SlideCodeRow
from shared.codes.pathology import SlideMeaning
from shared.domain.identity import PatientIdentity
from shared.domain.slide_orders import OrderStatus, SlideOrder
from shared.domain.slides import Specimen
from shared.hl7.mllp import framed
from shared.rpc import server
from shared.rpc.convert import from_message
from shared.rpc.gen.oncorelay.slide_ingestion.v1 import slide_ingestion_service_pb2 as pb
from shared.testing.hl7_messages import oml, orc, slide_obr
from shared.testing.ports import free_port
from tests.integration.lab_consumer.conftest import ListeningResults, Running, make_settings, open_doors

pytestmark = pytest.mark.integration


@dataclass
class ListeningSlides:
    """A real gRPC server that keeps the orders it is told."""

    orders: list[SlideOrder] = field(default_factory=list)
    changed: Condition = field(default_factory=Condition)

    def record_order(self, request: pb.RecordOrderRequest, context: Any) -> pb.RecordOrderResponse:
        with self.changed:
            self.orders.append(from_message(request.order, SlideOrder))
            self.changed.notify_all()
        return pb.RecordOrderResponse()

    def wait_for(self, count: int, timeout_s: float = 20.0) -> list[SlideOrder]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.orders) >= count, timeout_s), f"{len(self.orders)} came"
            return list(self.orders)

    def start(self, address: str) -> grpc.Server:
        method = grpc.unary_unary_rpc_method_handler(
            self.record_order,
            request_deserializer=pb.RecordOrderRequest.FromString,
            response_serializer=pb.RecordOrderResponse.SerializeToString,
        )
        service = "oncorelay.slide_ingestion.v1.SlideIngestionService"
        handler = grpc.method_handlers_generic_handler(service, {"RecordOrder": method})
        return server.start(address, lambda door: door.add_generic_rpc_handlers((handler,)))


@dataclass
class Site:
    lab: Running
    slides: ListeningSlides


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    addresses = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    results, slides = ListeningResults(), ListeningSlides()
    listening = [results.start(addresses[0]), slides.start(addresses[1])]
    code = SlideCodeRow(system="urn:oncorelay:hl7v2:99PATH", code="HE", means=SlideMeaning.HE)
    configured = make_settings(
        tmp_path, addresses[0], mllp_port=0, slide_ingestion_address=addresses[1], slide_code=(code,)
    )
    doors = open_doors(configured, results)
    yield Site(next(doors), slides)
    next(doors, None)
    for one in listening:
        one.stop(None).wait()


def _segment(name: str, **values: str) -> Segment:
    made = Segment(name, version="2.5.1")
    for place, value in values.items():
        setattr(made, place, value)
    return made


def _written() -> str:
    """Return an order for one slide as hl7apy writes it, after it found it well-formed."""
    made = Message("OML_O21", version="2.5.1")
    for place, value in {
        "msh_3": "LIS", "msh_4": "HOSP", "msh_5": "ONCORELAY", "msh_6": "HOSP", "msh_7": "20260110120000",
        "msh_9": "OML^O21^OML_O21", "msh_10": "APY1", "msh_11": "P",
    }.items():  # fmt: skip
        setattr(made.msh, place, value)
    patient = Group("OML_O21_PATIENT", version="2.5.1")
    patient.add(_segment("PID", pid_3="MRN1^^^HOSP^MR", pid_5="Canary^Carla", pid_7="19700304", pid_8="F"))
    order = Group("OML_O21_ORDER", version="2.5.1")
    order.add(_segment("ORC", orc_1="NW", orc_2="P77^LIS"))
    request = Group("OML_O21_OBSERVATION_REQUEST", version="2.5.1")
    request.add(_segment("OBR", obr_1="1", obr_2="P77^LIS", obr_4="HE^H\\T\\E^99PATH", obr_18="S26-100"))
    specimen = Group("OML_O21_SPECIMEN", version="2.5.1")
    specimen.add(_segment("SPM", spm_1="1", spm_2="^S26-100-A&LIS", spm_4="127457009^Tissue^SCT"))
    container = Group("OML_O21_CONTAINER", version="2.5.1")
    container.add(_segment("SAC", sac_3="S26-100-A-1-1", sac_4="S26-100-A-1"))
    specimen.add(container)
    request.add(specimen)
    order.add(request)
    made.add(patient)
    made.add(order)
    assert made.validate()
    return str(made.to_er7())


async def _sent(port: int, content: str) -> str:
    reader, writer = await hl7.mllp.open_hl7_connection("127.0.0.1", port, encoding="utf-8")
    writer.writemessage(hl7.parse(content))
    await writer.drain()
    answer = str(await asyncio.wait_for(reader.readmessage(), 20))
    writer.close()
    await writer.wait_closed()
    return answer


def test_an_order_hl7apy_finds_well_formed_reaches_slide_ingestion(site: Site) -> None:
    answer = asyncio.run(_sent(site.lab.service.mllp_port, _written()))

    assert parse_message(answer.replace("\n", "\r")).msa.msa_1.value == "AA"
    (order,) = site.slides.wait_for(1)
    assert order.specimen == Specimen("S26-100", "S26-100-A", "S26-100-A-1", "S26-100-A-1-1")
    assert (order.container, order.stain, order.tissue) == ("S26-100-A-1-1", "he", "breast")
    assert (order.identity, order.source) == (PatientIdentity("hospital", "MRN1"), "hl7 LIS HOSP")
    assert order.status is OrderStatus.ACTIVE


def test_a_cancelled_order_is_withdrawn_there(site: Site) -> None:
    port = site.lab.service.mllp_port
    asyncio.run(_sent(port, oml().decode()))
    site.slides.wait_for(1)
    cancelled = oml(orc("CA"), slide_obr(), control="O2", sent="20260110130000")
    assert "MSA|AA|O2" in asyncio.run(_sent(port, cancelled.decode()))

    first, second = site.slides.wait_for(2)
    assert (first.order_id, second.status) == (second.order_id, OrderStatus.WITHDRAWN)
    assert second.recorded_time > first.recorded_time


def test_a_bundle_with_order_patient_and_specimen_reaches_slide_ingestion(site: Site) -> None:
    patient = {
        "resourceType": "Patient", "id": "p1",
        "identifier": [{"system": "http://hospital.example.org", "value": "MRN1"}],
    }  # fmt: skip
    slide = {
        "resourceType": "Specimen", "id": "s1", "subject": {"reference": "Patient/p1"},
        "accessionIdentifier": {"value": "S26-9"}, "container": [{"identifier": [{"value": "SLIDE-9"}]}],
    }  # fmt: skip
    order = {
        "resourceType": "ServiceRequest", "id": "r1", "status": "active", "intent": "order",
        "code": {"coding": [{"system": "http://loinc.org", "code": "11529-5"}]},
        "subject": {"reference": "Patient/p1"}, "specimen": [{"reference": "Specimen/s1"}],
    }  # fmt: skip
    bundle = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [{"resource": row} for row in (order, slide, patient)],
    }
    response = site.lab.post(bundle, "/fhir")

    assert response.status_code == 200
    found = site.slides.wait_for(1)[-1]
    assert (found.container, found.specimen.accession, found.source) == ("SLIDE-9", "S26-9", "fhir")
    refused = site.lab.post({**order, "id": "r2", "status": "unknown"})
    assert refused.status_code == 422
    assert refused.json()["issue"][0]["expression"] == ["ServiceRequest.status"]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(20, 400), put=st.sampled_from((b"", b"^~", b"|SAC", b"\r\rORC|CA", b"&&&", b"\\")))
def test_a_damaged_order_is_answered_and_the_door_stays_open(site: Site, cut: int, put: bytes) -> None:
    content = oml()
    with socket.create_connection(("127.0.0.1", site.lab.service.mllp_port), timeout=20) as wire:
        wire.sendall(framed(content[:cut] + put + content[cut + len(put) :]))
        assert b"MSA|A" in wire.recv(65536)
    assert "MSA|AA" in asyncio.run(_sent(site.lab.service.mllp_port, content.decode()))
