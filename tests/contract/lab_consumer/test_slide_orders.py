"""Orders for slides: what is read of OML^O21 and ServiceRequest, what is refused, what later versions do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.lab_consumer.adapters.erasure import SqlErasure
from services.lab_consumer.adapters.mllp.desk import Conversation, Desk, MessageRules
from services.lab_consumer.adapters.pull_queue import SqlPullQueue
from services.lab_consumer.adapters.slide_orders import SqlOrderOutbox
from services.lab_consumer.formats.v2.order import OrderPlaces
from services.lab_consumer.handlers.judge import USED_TYPES, OrderRules
from services.lab_consumer.handlers.messages import TakeMessage
from services.lab_consumer.handlers.order_slides import OrderSlides
from services.lab_consumer.handlers.pages import TakePages
from services.lab_consumer.handlers.pull import Bounds, Pull
from services.lab_consumer.handlers.receive import Receive
from services.lab_consumer.handlers.submission import Submission, id_of
from services.lab_consumer.ports.outbox import OrderReport
from shared.codes.pathology import SlideMeaning
from shared.domain.errors import InvalidInputError, OncoRelayError, UnavailableError
from shared.domain.identity import AssigningAuthority, IdentityMap, PatientIdentity, Sex, Side
from shared.domain.pauses import Pauses
from shared.domain.slide_orders import OrderStatus, SlideOrder
from shared.domain.slides import Specimen
from shared.fhir.reading.json_text import JsonLimits
from shared.fhir.reading.slide_codes import SlideCodes
from shared.hl7.reading.message import Limits
from shared.testing.fhir_resources import HOSPITAL_SYSTEM, patient
from shared.testing.hl7_messages import header, merge, message, oml, orc, pid, sac, slide_obr, spm
from tests.contract.lab_consumer.conftest import Laboratory
from tests.contract.lab_consumer.test_pull import SERVER, Ehr

pytestmark = pytest.mark.contract

NOW = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)
LOCAL = "urn:oncorelay:hl7v2:L"
SITE = IdentityMap((AssigningAuthority("hospital", fhir_system=HOSPITAL_SYSTEM, hl7_authority="HOSP"),))
CODES = SlideCodes.of(
    [
        (LOCAL, "HE1", SlideMeaning.HE),
        (LOCAL, "IHC1", SlideMeaning.IHC),
        (LOCAL, "HENAC", SlideMeaning.HE),
        (LOCAL, "HENAC", SlideMeaning.AFTER_THERAPY),
    ]
)
MRN1 = PatientIdentity("hospital", "MRN1")


@dataclass
class Slides:
    """Slide ingestion, down until told otherwise."""

    error: OncoRelayError | None = None
    told: list[tuple[str, SlideOrder]] = field(default_factory=list)

    def record_order(self, request_id: str, order: SlideOrder) -> None:
        if self.error:
            raise self.error
        self.told.append((request_id, order))


class Pathology:
    """A laboratory whose orders go to slide ingestion."""

    def __init__(self, lab: Laboratory, *, taken: bool = True, places: OrderPlaces | None = None) -> None:
        self.lab, self.slides = lab, Slides()
        rules = OrderRules(taken, CODES)
        self.receive = Receive(lab.store, SITE, lambda: None, lab.clock, orders=rules)
        read = MessageRules(SITE, {}, UTC, "P", Limits(500), 100_000, places or OrderPlaces())
        self.conversation = Conversation(Desk(TakeMessage(self.receive), read, lambda: None, lambda: NOW, lambda: "X"))
        self.failed: list[OrderReport] = []
        self.outbox = SqlOrderOutbox(lab.engine)
        pauses = Pauses(10, 60)
        self.hand_over = OrderSlides(
            self.outbox, self.slides, pauses, lab.clock, lambda one, _: self.failed.append(one)
        )

    def told(self, content: bytes) -> str:
        """Return MSA-1 and the texts of the ERRs."""
        segments = [line.split("|") for line in self.conversation.answer(content).decode().split("\r")]
        code = next(row[1] for row in segments if row[0] == "MSA")
        return "; ".join([code, *(f"{row[7]}: {row[8]}" for row in segments if row[0] == "ERR")])

    def post(self, *resources: dict[str, Any]) -> list[tuple[int, str]]:
        """Return status and texts of each."""
        answers = [self.receive([Submission(row["resourceType"], id_of(row), row)])[0] for row in resources]
        return [(one.status, "; ".join(issue.text for issue in one.issues)) for one in answers]

    def orders(self) -> list[SlideOrder]:
        """Return what slide ingestion was told since the last look."""
        self.hand_over()
        found = [order for _, order in self.slides.told]
        self.slides.told.clear()
        return found


@pytest.fixture
def site(lab: Laboratory) -> Pathology:
    return Pathology(lab)


def request(found: str = "r1", **elements: Any) -> dict[str, Any]:
    """Return an order for a slide of ``Patient/p1`` with its specimens contained."""
    slide = {
        "resourceType": "Specimen", "id": "slide", "identifier": [{"value": "S26-7-A-1-1"}],
        "type": {"coding": [{"system": "http://snomed.info/sct", "code": "1179252003"}]},
        "container": [{"identifier": [{"value": "SLIDE-1"}]}], "parent": [{"reference": "#block"}],
    }  # fmt: skip
    block = {
        "resourceType": "Specimen", "id": "block", "identifier": [{"value": "S26-7-A-1"}],
        "parent": [{"reference": "#part"}],
    }  # fmt: skip
    part = {
        "resourceType": "Specimen", "id": "part", "identifier": [{"value": "S26-7-A"}],
        "accessionIdentifier": {"value": "S26-7"},
        "collection": {"bodySite": {"coding": [{"system": "http://snomed.info/sct", "code": "80248007"}]}},
    }  # fmt: skip
    return {
        "resourceType": "ServiceRequest", "id": found, "status": "active", "intent": "order",
        "code": {"coding": [{"system": "http://loinc.org", "code": "11529-5"}]},
        "subject": {"reference": "Patient/p1"}, "contained": [slide, block, part],
        "specimen": [{"reference": "#slide"}], **elements,
    }  # fmt: skip


def test_an_oml_becomes_an_order_with_everything_it_states(site: Pathology) -> None:
    assert site.told(oml()) == "AA"

    (order,) = site.orders()
    assert order.specimen == Specimen("S26-100", "S26-100-A", "S26-100-A-1", "S26-100-A-1-1")
    assert (order.container, order.status, order.source) == ("S26-100-A-1-1", OrderStatus.ACTIVE, "hl7 LAB HOSP")
    assert order.identity == MRN1
    assert (str(order.demographics.birth_date), order.demographics.sex) == ("1970-03-04", Sex.FEMALE)
    assert (order.stain, order.tissue, order.after_therapy, order.side) == ("", "breast", None, None)
    assert (order.placer, order.placer_authority) == ("P77", ("LIS", "", ""))


def test_a_service_request_becomes_the_same_kind_of_order(site: Pathology) -> None:
    assert [status for status, _ in site.post(patient(), request())] == [201, 201]

    (order,) = site.orders()
    assert order.specimen == Specimen("S26-7", "S26-7-A", "S26-7-A-1", "S26-7-A-1-1")
    assert (order.container, order.source, order.tissue, order.side) == ("SLIDE-1", "fhir", "breast", Side.LEFT)


@pytest.mark.parametrize(
    ("code", "stain", "after"),
    [("HE1^H\\T\\E^L", "he", None), ("IHC1^ER^L", "ihc", None), ("HENAC^H\\T\\E after NAC^L", "he", True)],
)
def test_the_sites_codes_say_stain_and_therapy(site: Pathology, code: str, stain: str, after: bool | None) -> None:
    assert site.told(oml(orc(), slide_obr(code=code), spm(), sac())) == "AA"

    (order,) = site.orders()
    assert (order.stain, order.after_therapy) == (stain, after)


def test_haematoxylin_and_eosin_of_the_preparation_are_he(site: Pathology) -> None:
    stains = [{"system": "http://snomed.info/sct", "code": code} for code in ("12710003", "36879007")]
    made = request()
    made["contained"][0]["processing"] = [{"procedure": {"coding": [stain]}} for stain in stains]
    site.post(patient(), made)

    assert site.orders()[0].stain == "he"


def test_a_lymph_node_is_one_by_its_code(site: Pathology) -> None:
    site.told(oml(orc(), slide_obr(), spm(kind="59441001^Lymph node^SCT"), sac()))

    assert site.orders()[0].tissue == "lymph_node"


def test_every_container_of_an_order_is_a_slide(site: Pathology) -> None:
    site.told(oml(orc(), slide_obr(), spm(), sac(), sac("S26-100-A-1-2"), spm("S26-100-B"), sac("S26-100-B-1-1", "B1")))

    orders = site.orders()
    assert {order.container for order in orders} == {"S26-100-A-1-1", "S26-100-A-1-2", "S26-100-B-1-1"}
    assert len({order.order_id for order in orders}) == 3
    assert {order.specimen.specimen for order in orders} == {"S26-100-A", "S26-100-B"}


def test_a_site_may_have_its_identifiers_elsewhere(lab: Laboratory) -> None:
    places = OrderPlaces(accession=("OBR-19", "OBR-20"), slide=("SPM-27",), container=("SPM-27",), block=("SPM-3",))
    site = Pathology(lab, places=places)
    site.told(oml(orc(), "OBR|1|P77||11529-5^^LN" + "|" * 16 + "ACC-2", "SPM|1|A|B1|TISS" + "|" * 23 + "GLASS-9"))

    (order,) = site.orders()
    assert (order.specimen, order.container) == (Specimen("ACC-2", "A", "B1", "GLASS-9"), "GLASS-9")


def test_the_same_message_again_tells_nobody_anything(site: Pathology) -> None:
    site.told(oml())
    site.orders()

    assert site.told(oml()) == "AA"
    assert site.told(oml(control="O2")) == "AA"
    assert site.orders() == []


@pytest.mark.parametrize(
    "cancelled",
    [
        (orc("CA"),),
        (orc("OC"), slide_obr()),
        (orc("SC", status="CA"), slide_obr(), spm(), sac()),
        (orc("DC"), slide_obr(), spm(), sac()),
        (orc("HD"), slide_obr(), spm(), sac()),
        (orc("RP"), slide_obr(), orc("RO", "P78^LIS"), slide_obr("P78^LIS"), spm(), sac("OTHER")),
    ],
)
def test_an_order_that_ends_is_withdrawn_in_a_newer_version(site: Pathology, cancelled: tuple[str, ...]) -> None:
    site.told(oml())
    (before,) = site.orders()
    assert site.told(oml(*cancelled, control="O2", sent="20260110130000")) == "AA"

    after = next(order for order in site.orders() if order.order_id == before.order_id)
    assert after.status is OrderStatus.WITHDRAWN
    assert after.reason
    assert (after.version, after.recorded_time) > (before.version, before.recorded_time)
    assert after.container == before.container


def test_an_order_can_be_placed_again_after_it_was_cancelled(site: Pathology) -> None:
    site.told(oml())
    site.told(oml(orc("CA"), slide_obr(), control="O2", sent="20260110130000"))
    site.told(oml(control="O3", sent="20260110140000"))

    (order,) = site.orders()
    assert order.status is OrderStatus.ACTIVE


def test_a_late_message_does_not_bring_a_cancelled_order_back(site: Pathology) -> None:
    site.told(oml(orc("CA"), slide_obr(), sent="20260110130000"))
    site.told(oml(control="O2", sent="20260110120000"))

    assert site.orders() == []


def test_a_changed_order_withdraws_the_slide_it_names_no_more(site: Pathology) -> None:
    site.told(oml())
    site.orders()
    site.told(oml(orc("XO"), slide_obr(), spm(), sac("RECUT"), control="O2", sent="20260110130000"))

    assert {(order.container, order.status) for order in site.orders()} == {
        ("S26-100-A-1-1", OrderStatus.WITHDRAWN), ("RECUT", OrderStatus.ACTIVE),
    }  # fmt: skip


def test_word_of_a_status_without_the_order_changes_nothing(site: Pathology) -> None:
    site.told(oml())
    site.orders()

    assert site.told(oml(orc("SC", status="IP"), control="O2", sent="20260110130000")) == "AA"
    assert site.orders() == []


def test_a_deleted_or_revoked_service_request_withdraws_its_slides(site: Pathology) -> None:
    site.post(patient(), request(), request("r2"))
    site.orders()
    site.post(request(status="revoked"))
    site.receive([Submission("ServiceRequest", "r2", None)])

    found = {order.order_id.partition("#")[0]: order for order in site.orders()}
    assert {order.status for order in found.values()} == {OrderStatus.WITHDRAWN}
    assert found["ServiceRequest/r1"].reason == "the order was cancelled"


@pytest.mark.parametrize(
    ("segments", "sentence"),
    [
        ((orc("ZZ"), slide_obr(), spm(), sac()), "ORC[1]-1: not a code of table 0119"),
        ((orc("UC"), slide_obr(), spm(), sac()), "ORC[1]-1: not a code of table 0119"),
        ((orc(status="??"), slide_obr(), spm(), sac()), "ORC[1]-5: not a code of table 0038"),
        ((orc(number=""), slide_obr(number=""), spm(), sac()), "OBR[1]-2: the placer's order number is needed"),
        ((orc(),), "ORC[1]: an order that is placed or changed is stated whole, with its OBR"),
        ((orc(), slide_obr()), "OBR[1]: it names no specimen"),
        ((orc(), slide_obr(), spm()), "OBR[1]: it names no glass"),
        ((orc(), slide_obr(accession=""), spm(), sac()), "OBR[1]: no accession number is stated"),
        ((orc(), slide_obr(), spm(), sac(), sac()), "OBR[1]: two slides of one order have the same identifier"),
        ((orc(), slide_obr(accession="A~B"), spm(), sac()), "OBR[1]-18: repeats, and one identifier is needed"),
        ((orc(), slide_obr(), spm(), sac("A&B^C&D~E")), "SAC[1]-3: repeats"),
        ((orc(), slide_obr(), spm(), sac("X" * 65)), "OBR[1]: an identifier is longer than 64 characters"),
        (
            (orc(), slide_obr(code="HE1^HE^L^IHC1^ER^L"), spm(), sac()),
            "OBR[1]: its codes contradict each other in how it is stained",
        ),
        ((slide_obr(), spm(), sac()), "OBR[1]: stands without its ORC"),
        ((orc(), slide_obr(), sac()), "SAC[1]: stands without its SPM"),
        ((orc(), slide_obr(), spm(), sac(), pid("MRN2")), "PID[2]: a second PID"),
        ((), "ORC: an OML orders something"),
    ],
)
def test_what_is_not_understood_is_refused_by_field_and_sentence(
    site: Pathology, segments: tuple[str, ...], sentence: str
) -> None:
    told = site.told(message(header(kind="OML^O21^OML_O21"), pid(), *segments))

    assert told[:2] in {"AE", "AR"}
    assert told[4:].startswith(sentence)
    assert site.orders() == []


def test_an_order_of_nobody_is_refused(site: Pathology) -> None:
    told = site.told(oml().replace(b"MRN1^^^HOSP", b"MRN1^^^ELSEWHERE"))

    assert told.startswith("AE; PID[1]-3: exactly one identifier")
    assert site.orders() == []


def test_orders_for_the_laboratory_are_none_of_our_business(site: Pathology) -> None:
    assert site.told(oml(orc("??"), "OBR|1|P9||58410-2^CBC^LN", "SPM|1|T1||BLD", "SAC|||TUBE")) == "AA"
    ((status, text),) = site.post(request(code={"coding": [{"system": "http://loinc.org", "code": "58410-2"}]}))

    assert (status, "orders nothing on a slide" in text) == (200, True)
    assert site.orders() == []


def test_without_slide_ingestion_orders_are_refused_with_a_sentence(lab: Laboratory) -> None:
    site = Pathology(lab, taken=False)

    assert "slide_ingestion_address is not set" in site.told(oml())
    ((_, _), (status, text)) = site.post(patient(), request())
    assert (status, "slide_ingestion_address is not set" in text) == (422, True)


def test_an_order_waits_for_its_patient_and_for_its_specimen(site: Pathology) -> None:
    slide = {
        "resourceType": "Specimen", "id": "s1", "subject": {"reference": "Patient/p1"},
        "accessionIdentifier": {"value": "S26-9"}, "container": [{"identifier": [{"value": "SLIDE-9"}]}],
    }  # fmt: skip
    made = request(contained=[], specimen=[{"reference": "Specimen/s1"}])
    del made["contained"]

    assert [status for status, _ in site.post(made)] == [202]
    ((status, _),) = site.post(patient())
    assert status == 201
    assert site.orders() == []
    site.post(slide)
    (order,) = site.orders()
    assert (order.container, order.specimen.accession) == ("SLIDE-9", "S26-9")


def test_a_specimen_of_another_patient_is_not_hers(site: Pathology) -> None:
    slide = {
        "resourceType": "Specimen", "id": "s1", "subject": {"reference": "Patient/p2"},
        "accessionIdentifier": {"value": "S26-9"}, "container": [{"identifier": [{"value": "SLIDE-9"}]}],
    }  # fmt: skip
    made = request(specimen=[{"reference": "Specimen/s1"}])
    del made["contained"]
    (*_, (status, text)) = site.post(patient(), patient("MRN2", found="p2"), slide, made)

    assert (status, "its Specimen is not here yet" in text) == (201, True)
    assert site.orders() == []


def test_an_order_number_of_another_patient_is_refused_until_it_is_cancelled(site: Pathology) -> None:
    site.told(oml())
    told = site.told(oml(mrn="MRN2", control="O2", sent="20260110130000"))

    assert told.startswith("AE; ORC[1]-2: this order number is on record for another patient")
    assert [order.identity for order in site.orders()] == [MRN1]
    site.told(oml(orc("CA"), slide_obr(), control="O3", sent="20260110140000"))
    assert site.told(oml(mrn="MRN2", control="O4", sent="20260110150000")) == "AA"
    assert [(order.identity, order.status) for order in site.orders()] == [
        (PatientIdentity("hospital", "MRN2"), OrderStatus.ACTIVE)
    ]


@pytest.mark.parametrize(("ends", "survives"), [("MRN1", "MRN2"), ("MRN1", "MRN0")])
def test_a_merged_patients_orders_go_to_the_one_that_survives(site: Pathology, ends: str, survives: str) -> None:
    site.told(oml())
    site.told(oml(orc(number="P2^LIS"), slide_obr("P2^LIS"), spm(), sac("OTHER"), control="O2", mrn=survives))
    site.orders()
    site.told(merge(ends, survives))

    (order,) = site.orders()
    assert (order.identity, order.status) == (PatientIdentity("hospital", survives), OrderStatus.ACTIVE)
    assert order.container == "S26-100-A-1-1"


def polling(site: Pathology, ehr: Ehr) -> Pull:
    """Return what asks this FHIR server for what changed, orders too."""
    take = TakePages(site.receive, JsonLimits(100_000, 20, 1000), 100, SERVER)
    bounds, queue = Bounds(100, 10, timedelta(seconds=60)), SqlPullQueue(site.lab.engine, SERVER)
    return Pull(ehr, queue, take, SITE, bounds, Pauses(0.1, 1.0), site.lab.now, lambda *_: None, USED_TYPES)


def test_orders_are_polled_for_with_what_they_refer_to_and_their_end_is_heard_of(site: Pathology) -> None:
    slide = request()["contained"][0] | {"id": "s1", "subject": {"reference": "Patient/p1"}, "parent": []}
    slide |= {"accessionIdentifier": {"value": "S26-7"}}
    placed = request(specimen=[{"reference": "Specimen/s1"}], contained=[])
    ehr = Ehr({"Patient/p1": patient(), "ServiceRequest/r1": placed})
    pull = polling(site, ehr)
    pull.poll()
    pull.wishes()
    assert "ServiceRequest" in {kind for kind, _ in ehr.searches}
    assert site.orders() == []

    ehr.holds["Specimen/s1"] = slide
    pull.poll()
    (order,) = site.orders()
    assert (order.container, order.specimen.accession, order.identity) == ("SLIDE-1", "S26-7", MRN1)

    ehr.holds["ServiceRequest/r1"] = placed | {"status": "revoked"}
    pull.poll()
    (ended,) = site.orders()
    assert (ended.order_id, ended.status) == (order.order_id, OrderStatus.WITHDRAWN)


def test_what_slide_ingestion_does_not_take_is_told_again_under_the_same_request(site: Pathology) -> None:
    site.told(oml())
    site.slides.error = UnavailableError("slide_ingestion: connection refused")
    assert site.hand_over() == 0
    site.slides.error = None
    site.lab.clock.moment += timedelta(minutes=2)

    assert site.hand_over() == 1
    assert [request_id for request_id, _ in site.slides.told] == [site.failed[0].request_id]
    assert site.outbox.waiting() == 0


def test_an_order_that_is_refused_for_good_is_shown_to_a_person_once(site: Pathology) -> None:
    site.told(oml())
    site.slides.error = InvalidInputError("order", "names no glass")
    for _ in range(3):
        site.lab.clock.moment += timedelta(minutes=5)
        site.hand_over()

    told = [row for row in site.lab.store.refusals(100) if "refuses an order" in row.reason]
    assert (len(told), site.outbox.waiting()) == (1, 1)


def test_erasing_a_patient_erases_her_orders(site: Pathology) -> None:
    site.told(oml())
    SqlErasure(site.lab.engine)(MRN1)

    assert site.outbox.waiting() == 0
    assert site.orders() == []
