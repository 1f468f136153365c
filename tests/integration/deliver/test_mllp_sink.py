"""The sink for a laboratory system and its peer: it accepts, errs, rejects, babbles, keeps silent and cuts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import hl7
import pytest
from hl7apy.parser import parse_message

from services.cli.doctor import _sink as examined
from services.results.config import Settings, SinkSettings
from services.results.deliver.adapters.sinks import build_sink
from services.results.deliver.app import deliver_one
from services.results.deliver.ports import NotReachedError, RefusedError, Sink
from shared.domain.errors import InvalidInputError, PermanentError, TemporaryError, UnavailableError
from shared.domain.identity import PatientIdentity
from shared.security.door_tls import server_context
from shared.storage.blobs import LocalBlobs
from shared.testing.authority import Authority
from shared.testing.laboratory_system import LaboratorySystem, Mood, laboratory_system
from shared.testing.ports import free_port
from tests.findings import left_behind
from tests.memory_deliveries import MemoryDeliveries
from tests.slide_findings import MADE, SlideFindings

pytestmark = pytest.mark.integration

Build = Callable[..., Sink]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    identity = [{"name": "hospital", "hl7_authority": "HOSP"}, {"name": "elsewhere", "fhir_system": "urn:x"}]
    return Settings.model_validate({"site": {"data_folder": tmp_path}, "identity": identity})


@pytest.fixture
def slides(settings: Settings) -> SlideFindings:
    return SlideFindings(LocalBlobs(settings.site.blob_folder))


@pytest.fixture
def lis() -> Iterator[LaboratorySystem]:
    with laboratory_system() as running:
        yield running


@pytest.fixture
def build(settings: Settings, opened: ExitStack) -> Build:
    def one(port: int, **fields: Any) -> Sink:
        table = {"name": "lis", "kind": "hl7-mllp", "port": port, "timeout_s": 1.0, **fields}
        return build_sink(settings, SinkSettings.model_validate(table), opened)

    return one


def test_a_result_is_delivered_when_the_system_says_aa(
    lis: LaboratorySystem, build: Build, slides: SlideFindings
) -> None:
    sink = build(lis.port, receiving_application="LIS", receiving_facility="PATH", sending_facility="HOSP")
    sent = sink.deliver(slides.prediction(), ())
    assert sent.object_id == str(lis.last().segment("MSH")[10]) == sink.object_id(slides.prediction())
    assert sent.location == f"mllp://127.0.0.1:{lis.port}/{sent.object_id}"
    assert [str(lis.last().segment("MSH")[place]) for place in (3, 4, 5, 6)] == ["ONCORELAY", "HOSP", "LIS", "PATH"]
    assert parse_message(lis.heard[-1].replace("\n", "\r")).validate()


def test_the_connection_is_kept_and_a_repeat_is_the_same_message(
    lis: LaboratorySystem, build: Build, slides: SlideFindings
) -> None:
    sink = build(lis.port)
    finding = slides.prediction()
    sink.deliver(finding, ())
    sink.deliver(finding, ())
    sink.deliver(slides.withdrawal(finding), (left_behind(finding, "A"),))
    assert lis.connections == 1
    assert lis.heard[0] == lis.heard[1]
    assert str(lis.last().segment("OBR")[25]) == "X"


@pytest.mark.parametrize(
    ("mood", "kind", "said"),
    [
        (Mood.ERROR, TemporaryError, "answered AE: 103 table value not found at OBX-5"),
        (Mood.REJECT, RefusedError, "answered AR: 103 table value not found at OBX-5"),
        (Mood.COMMIT, TemporaryError, "AA is needed"),
        (Mood.OTHER, UnavailableError, "another message"),
        (Mood.GARBAGE, UnavailableError, "no acknowledgment"),
        (Mood.HTTP, UnavailableError, "no MLLP block"),
        (Mood.SILENCE, UnavailableError, "did not answer within 1 s"),
        (Mood.CUT, UnavailableError, "closed the connection without an answer"),
        (Mood.HALF, UnavailableError, "cut the connection within its answer"),
    ],
)
def test_every_other_answer_is_what_it_is_and_the_next_try_succeeds(
    mood: Mood, kind: type[Exception], said: str, lis: LaboratorySystem, build: Build, slides: SlideFindings
) -> None:
    sink = build(lis.port)
    lis.moods.append(mood)
    with pytest.raises(kind, match=said) as caught:
        sink.deliver(slides.prediction(), ())
    assert type(caught.value) is kind
    assert "CANARY" not in str(caught.value).upper()
    sink.deliver(slides.prediction(), ())
    assert lis.heard[0] == lis.heard[-1]


def test_a_connection_that_ended_while_it_was_idle_costs_nothing(
    lis: LaboratorySystem, build: Build, slides: SlideFindings
) -> None:
    sink = build(lis.port)
    lis.moods.append(Mood.ONCE)
    sink.deliver(slides.prediction(), ())
    sink.deliver(slides.not_analysed(), ())
    assert (lis.connections, len(lis.heard)) == (2, 2)


def test_a_system_that_is_not_there_was_not_reached(build: Build, slides: SlideFindings) -> None:
    with pytest.raises(NotReachedError, match="cannot be reached"):
        build(free_port()).deliver(slides.prediction(), ())


def test_a_patient_whose_authority_has_no_name_in_hl7_reaches_no_system(
    lis: LaboratorySystem, build: Build, slides: SlideFindings
) -> None:
    finding = replace(slides.prediction(), identity=PatientIdentity("elsewhere", "PAT-0042"))
    with pytest.raises(PermanentError, match="hl7_authority"):
        build(lis.port).deliver(finding, ())
    assert lis.heard == []


@pytest.mark.parametrize(
    ("mood", "state"),
    [(Mood.ACCEPT, "delivered"), (Mood.ERROR, "due"), (Mood.REJECT, "dead_letter"), (Mood.CUT, "due")],
)
def test_the_delivery_machine_waits_retries_or_gives_up(
    mood: Mood, state: str, lis: LaboratorySystem, settings: Settings, slides: SlideFindings, opened: ExitStack
) -> None:
    table = SinkSettings(name="lis", kind="hl7-mllp", port=lis.port, timeout_s=1.0)
    deliveries = MemoryDeliveries()
    owed = deliveries.owe(slides.prediction(), MADE, "lis")
    lis.moods.append(mood)
    assert deliver_one(table, build_sink(settings, table, opened), deliveries)()
    assert owed.state == state
    assert bool(owed.outages) == (mood is Mood.CUT)


def test_tls_is_spoken_where_the_site_says_so(tmp_path: Path, build: Build, slides: SlideFindings) -> None:
    authority = Authority(tmp_path, "ca")
    ours = authority.identity("ca")
    its = authority.identity("lis", authority)
    with laboratory_system(tls=server_context(its.certificate, its.key, None)) as lis:
        sink = build(lis.port, tls=True, tls_ca=str(ours.certificate))
        assert sink.deliver(slides.prediction(), ()).object_id
        with pytest.raises(NotReachedError, match="tls_ca"):
            build(lis.port, tls=True).deliver(slides.prediction(), ())
    with pytest.raises(InvalidInputError, match="cannot be read"):
        build(1, tls=True, tls_ca=str(tmp_path / "nothing.pem"))


def test_the_doctor_tells_whether_the_system_takes_connections(lis: LaboratorySystem) -> None:
    table = {"name": "lis", "kind": "hl7-mllp", "port": lis.port, "receiving_application": "LIS"}
    assert "takes connections without TLS; messages are for LIS" in examined(SinkSettings.model_validate(table))
    with pytest.raises(ValueError, match="cannot be reached"):
        examined(SinkSettings.model_validate(table | {"port": free_port()}))


@pytest.mark.parametrize(
    ("fields", "said"),
    [({}, "needs the port"), ({"port": 1, "tls_ca": "ca.pem"}, "without tls"),
     ({"port": 1, "tls": True, "tls_key": "k.pem"}, "belong together")],
)  # fmt: skip
def test_a_table_that_cannot_work_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SinkSettings.model_validate({"name": "lis", "kind": "hl7-mllp", **fields})


def test_python_hl7_reads_the_method_whole(lis: LaboratorySystem, build: Build, slides: SlideFindings) -> None:
    build(lis.port).deliver(slides.prediction(), ())
    read = hl7.parse(lis.heard[-1])
    assert {read.unescape(str(row[17][0][1])) for row in read.segments("OBX")} == {"AI on H&E"}
