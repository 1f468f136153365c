"""HL7 v2 messages over a real database: what becomes a fact, what is answered, what comes twice, late or corrected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from services.lab_consumer.adapters.mllp.desk import Conversation, Desk, MessageRules
from services.lab_consumer.handlers.messages import TakeMessage
from services.lab_consumer.handlers.receive import Receive
from shared.domain.facts import Fact, FactName, FactStatus
from shared.domain.identity import AssigningAuthority, IdentityMap, PatientIdentity
from shared.domain.refusals import Cause
from shared.fhir.reading.site_codes import SiteCode, SiteCodes
from shared.hl7.reading.continuation import Room
from shared.hl7.reading.header import Header
from shared.hl7.reading.message import Limits
from shared.testing.fhir_resources import HOSPITAL_SYSTEM, patient
from shared.testing.hl7_messages import ER, NEUTROPHILS, header, merge, message, obr, obx, oru, pid
from tests.contract.lab_consumer.conftest import Laboratory

pytestmark = pytest.mark.contract

NOW = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)
MRN2 = PatientIdentity("hospital", "MRN2")
SITE = IdentityMap((AssigningAuthority("hospital", fhir_system=HOSPITAL_SYSTEM, hl7_authority="HOSP"),))


@dataclass
class MessageLaboratory:
    """A laboratory that is spoken to in HL7 v2."""

    lab: Laboratory
    trouble: list[Cause] = field(default_factory=list)
    default_character_set: str = "ASCII"

    def __post_init__(self) -> None:
        receive = Receive(self.lab.store, SITE, lambda: None, self.lab.clock)
        systems = {"99LAB": "http://loinc.org"}
        rules = MessageRules(SITE, systems, UTC, "P", Limits(500, self.default_character_set), 100_000)
        trouble: Callable[[], Cause | None] = lambda: self.trouble[0] if self.trouble else None  # noqa: E731
        self.desk = Desk(TakeMessage(receive), rules, trouble, lambda: NOW, lambda: "OURS-1")
        self.conversation = Conversation(self.desk)

    def send(self, *contents: bytes) -> list[str]:
        """Return the answers to messages of one connection, one text each."""
        return [self.conversation.answer(content).decode() for content in contents]

    def told(self, content: bytes) -> str:
        """Return MSA-1 and the texts of the ERRs of an answer, as a person reads them."""
        segments = [line.split("|") for line in self.send(content)[0].split("\r")]
        code = next(row[1] for row in segments if row[0] == "MSA")
        return "; ".join([code, *(f"{row[7]}: {row[8]}" for row in segments if row[0] == "ERR")])

    def counts(self) -> list[Fact]:
        """Return the neutrophils of MRN1."""
        return list(self.lab.facts().named(FactName.NEUTROPHILS))

    def values(self) -> list[str]:
        """Return their values."""
        return self.lab.values(FactName.NEUTROPHILS)

    def refusals(self) -> int:
        """Return how many refusals a person sees."""
        return len(self.lab.store.refusals(1000))


@pytest.fixture
def site(lab: Laboratory) -> MessageLaboratory:
    return MessageLaboratory(lab)


def test_a_result_becomes_a_fact_and_the_answer_names_its_message(site: MessageLaboratory) -> None:
    (answer,) = site.send(oru(control="LAB-77"))

    (fact,) = site.counts()
    assert (fact.value, fact.unit, fact.status) == ("2.5", "10*3/uL", FactStatus.FINAL)
    assert fact.effective_date.isoformat() == "2026-01-10"
    assert answer == (
        "MSH|^~\\&|ONCORELAY|HOSP|LAB|HOSP|20260201120000+0000||ACK^R01^ACK|OURS-1|P|2.5.1\rMSA|AA|LAB-77\r"
    )


def test_what_no_fact_is_read_from_is_accepted_however_damaged(site: MessageLaboratory) -> None:
    odd = obx("H&E", code="99999-9^Any & thing^L", kind="TX", status="?", time="soon")

    assert site.told(message(header(), pid(), "OBR|1", odd)) == "AA"
    assert site.refusals() == 0


@pytest.mark.parametrize(
    ("segments", "sentence"),
    [
        ((obx(unit="K/uL^^UCUM"),), "OBX[1]-6: K/uL is kelvin per microlitre in UCUM"),
        ((obx("3000"),), "OBX[1]-5: impossible: no patient has more than 500 (10*3/uL)"),
        ((obx("many"),), "OBX[1]-5: OBX-2 says NM, and it is no number"),
        ((obx("1~2"),), "OBX[1]-5: several values in one OBX"),
        ((obx(unit="10^3/uL"),), "OBX[1]-6: holds the component separator ^ unescaped"),
        ((obx(status="?"),), "OBX[1]-11: a result status is needed: one of C, D, F, I, N, O, P, R, S, W, X"),
        ((obx(status=""),), "OBX[1]-11: a result status is needed"),
        ((obx(status="U"),), "OBX[1]-11: a result status is needed"),
        ((obx(time="20990101"),), "OBX[1]-14: the time of collection lies in the future: a wrong clock, or another"),
        ((obx(time="20260101250000"),), "OBX[1]-14: not a day or time of the calendar"),
        ((obx(time="202601"),), "OBX[1]-14: less precise than a day: the day is needed"),
        ((obx(code="751-8^Neutro&phils^LN"),), "OBX[1]-3.2: holds the sub-component separator & unescaped"),
        ((obx("H&E", code=ER, kind="CE"),), "OBX[1]-5.1: holds the sub-component separator & unescaped"),
        ((obx("LA6576-8^in H&E^LN", code=ER, kind="CE"),), "OBX[1]-5.2: holds the sub-component separator &"),
        ((obx(code="751-8&x^^LN"),), "OBX[1]-3.1: holds the sub-component separator & unescaped"),
        ((obx(code=""),), "OBX[1]-3: nothing says what was observed"),
        ((obx(">^5^-^7", kind="SN"),), "OBX[1]-5: a structured number other than one number with <, <=, > or >="),
        ((obx("1" * 60),), "OBX[1]-5: a number of more than 40 digits"),
        ((obx(""),), "OBX[1]-5: a Quantity is needed"),
    ],
)  # fmt: skip
def test_what_would_be_used_and_cannot_is_refused_by_field_and_sentence(
    site: MessageLaboratory, segments: tuple[str, ...], sentence: str
) -> None:
    told = site.told(oru(*segments))

    assert told.startswith(f"AE; {sentence}".replace("&", "\\T\\").replace("^", "\\S\\"))
    assert site.values() == []
    assert site.refusals() == 1


@pytest.mark.parametrize(
    ("segments", "sentence"),
    [
        ((pid(), "OBR|1", obx()), "OBR[1]-3: the laboratory's order number is missing: a correction could not be told"),
        ((pid(), "OBR|1||F1", obx()), "OBX[1]-14: nothing says when the specimen was taken: neither OBX-14 nor SPM-17"),
        ((obr(), obx()), "PID: nothing says whose results these are"),
        ((pid().replace("HOSP", "ELSEWHERE"), obr(), obx()), "PID[1]-3: exactly one identifier of an authority"),
        ((pid().replace("MRN1^^^HOSP^MR", "1^^^HOSP~2^^^HOSP"), obr(), obx()), "PID[1]-3: exactly one identifier"),
        ((pid(sex="Q"), obr(), obx()), "PID[1]-8: not a sex of HL7 table 0001"),
        ((pid(born="19709999"), obr(), obx()), "PID[1]-7: not a day or time of the calendar"),
    ],
)
def test_results_of_nobody_or_of_no_order_are_refused(
    site: MessageLaboratory, segments: tuple[str, ...], sentence: str
) -> None:
    assert site.told(message(header(), *segments)).startswith(f"AE; {sentence}")
    assert site.values() == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"nonsense", "AR; MSH: a message begins with MSH and five different separators"),
        (message(header(kind="ADT^A08"), pid()), "AR; MSH-9: this kind of message is not taken; ORU\\S\\R01, OML"),
        (message(header(version="2.7"), pid()), "AR; MSH-12: this version is not read here"),
        (message(header(), pid()), "AR; OBX: an ORU reports observations, and there is no OBX"),
        (message(header(), *["NTE|1"] * 600), "AR; message: more than 500 segments"),
        (message(header(kind="ADT^A40"), pid()), "AR; MRG: an A40 names who was merged"),
    ],
)
def test_what_is_no_message_for_us_is_rejected_and_shown_once(
    site: MessageLaboratory, content: bytes, sentence: str
) -> None:
    first, second = site.told(content), site.told(content)

    assert first.startswith(sentence)
    assert second == first
    assert site.refusals() == 1


def test_one_unusable_result_keeps_no_good_one_away(site: MessageLaboratory) -> None:
    told = site.told(oru(obx(), obx("x", code="26499-4^Neutrophils^LN", number=2), obx(code="1^other^L", number=3)))

    assert told == "AE; OBX[2]-5: OBX-2 says NM, and it is no number"
    assert site.values() == ["2.5"]


@pytest.mark.parametrize("version", ["2.3", "2.3.1", "2.4", "2.5", "2.5.1"])
def test_every_version_is_read_and_answered_in_its_own(site: MessageLaboratory, version: str) -> None:
    good, bad = site.send(
        message(header(version=version), pid(), obr(), obx()),
        message(header("M2", version=version), pid(), obr("F2"), obx(status="?")),
    )

    assert "MSA|AA|M1\r" in good
    assert f"|{version}\r" in bad
    old = "ERR|OBX^1^11^102&Data type error&HL70357"
    new = "ERR||OBX^1^11|102^Data type error^HL70357|E|invalid_value^^99ONCORELAY||OBX[1]-11|a result status is needed"
    assert bad.split("\r")[2].startswith(old if version < "2.5" else new)


HSCRP, IL6, TNF = "30522-7^hsCRP^LN", "26881-3^IL-6^LN", "3074-2^TNF alpha^LN"


def test_the_panel_of_inflammation_becomes_facts_in_its_units(site: MessageLaboratory) -> None:
    content = oru(
        obx("1.2", code=HSCRP, unit="mg/dL^^UCUM", limits="0.0-0.5"),
        obx("<^2.5", code=IL6, kind="SN", unit="pg/mL", limits=""),
        obx("2.9", code=TNF, unit="ng/L^nanogram per litre^L", limits=""), obx(unit="K/uL"),
    )  # fmt: skip

    assert site.told(content) == "AA"
    facts = {fact.name: fact for fact in site.lab.facts().facts}
    found = {name: (fact.comparator, fact.value, fact.unit) for name, fact in facts.items()}
    assert found == {
        FactName.HSCRP: ("", "12", "mg/L"), FactName.IL6: ("<", "2.5", "pg/mL"),
        FactName.TNF_ALPHA: ("", "2.9", "pg/mL"), FactName.NEUTROPHILS: ("", "2.5", "10*3/uL"),
    }  # fmt: skip
    assert (facts[FactName.HSCRP].reference_low, facts[FactName.HSCRP].reference_high) == ("0", "5")
    assert facts[FactName.HSCRP].collected_time == datetime(2026, 1, 10, 10, 15, tzinfo=UTC)


def test_an_ordinary_crp_is_accepted_and_a_person_is_told(site: MessageLaboratory) -> None:
    content = oru(obx("5", code="1988-5^CRP^LN", unit="mg/L"))
    first, second = site.send(content, content)

    assert "MSA|AA|M1|" in first
    assert "|W|" in first.split("\r")[2]
    assert second == first
    assert site.lab.facts().facts == ()
    assert site.refusals() == 1


def test_a_specimen_that_is_no_blood_is_refused(site: MessageLaboratory) -> None:
    spm = "SPM|1|||CSF^Cerebral spinal fluid^HL70487"

    told = site.told(message(header(), pid(), obr(), obx("5", code=IL6, unit="pg/mL^^UCUM"), spm))
    assert told.startswith("AE; OBX[1]: ")
    assert site.lab.facts().facts == ()


def test_the_same_message_again_gets_the_same_answer_and_nothing_is_new(site: MessageLaboratory) -> None:
    content = oru(obx(), obx("x", code="26499-4^Neutrophils^LN", number=2))
    first, again = site.send(content, content)

    assert again == first
    assert site.refusals() == 1
    assert len(site.lab.announcements()) == 1


def test_an_accepted_message_that_comes_again_after_its_correction_changes_nothing(site: MessageLaboratory) -> None:
    first = oru(obx("2.5"), sent="20260110120000")
    site.send(first, oru(obx("2.8", status="C"), control="M2", sent="20260110150000"), first)

    assert site.values() == ["2.8"]
    assert site.counts()[0].status is FactStatus.CORRECTED


def test_messages_in_the_wrong_order_end_at_the_newest_one(site: MessageLaboratory) -> None:
    late = oru(obx("2.5", status="P"), control="M1", sent="20260110120000")
    assert [site.told(one) for one in (oru(obx("2.8"), control="M2", sent="20260110150000"), late)] == ["AA", "AA"]

    assert site.values() == ["2.8"]


def test_a_sender_whose_clock_is_ahead_can_still_correct_itself(site: MessageLaboratory) -> None:
    site.send(oru(obx("2.5"), sent="20990101120000"), oru(obx("2.8", status="C"), control="M2", sent="20260201120000"))

    assert site.values() == ["2.8"]


def test_preliminary_final_and_corrected_replace_each_other(site: MessageLaboratory) -> None:
    seen = []
    for hour, (value, status) in enumerate([("2.5", "P"), ("2.6", "F"), ("2.7", "C")]):
        site.send(oru(obx(value, status=status), control=f"M{hour}", sent=f"202601101{hour}0000"))
        seen.append([(fact.value, fact.status.value) for fact in site.counts()])

    assert seen == [[("2.5", "preliminary")], [("2.6", "final")], [("2.7", "corrected")]]


@pytest.mark.parametrize("status", ["D", "W", "X"])
def test_a_result_taken_back_is_no_fact_any_more(site: MessageLaboratory, status: str) -> None:
    site.send(oru(), oru(obx("", status=status), control="M2", sent="20260110150000"))

    assert site.values() == []


def test_a_correction_that_cannot_be_read_ends_what_it_corrects(site: MessageLaboratory) -> None:
    site.send(oru())

    assert site.told(oru(obx("wrong", status="C"), control="M2", sent="20260110150000")).startswith("AE; OBX[1]-5")
    assert site.values() == []


def test_two_tests_of_one_order_and_two_values_of_one_test_are_told_apart(site: MessageLaboratory) -> None:
    site.send(oru(obx("2.5", sub="1"), obx("2.6", sub="2"), obx("2.7", code="26499-4^Neutrophils^LN")))

    assert sorted(site.values()) == ["2.5", "2.6", "2.7"]


def test_a_local_code_is_read_only_where_the_site_maps_its_system(site: MessageLaboratory) -> None:
    local = obx(code="751-8^Neutrophils^L", sub="2"), obx(code="751-8", sub="3")
    site.send(oru(obx(code="751-8^Neutrophils^99LAB"), *local))

    assert site.values() == ["2.5"]


def test_results_under_an_identifier_with_another_birth_date_reach_no_record(site: MessageLaboratory) -> None:
    site.send(oru())
    other = message(header("M2"), pid(born="19501231"), obr("F2"), obx("9.9"))

    assert site.told(other) == ("AE; PID[1]-3: another Patient has this identifier and another birth date or sex")
    assert site.values() == ["2.5"]


def test_the_ehrs_own_patient_overrules_those_of_messages(site: MessageLaboratory) -> None:
    site.send(oru())
    assert site.lab.post(patient("MRN1", birthDate="1950-12-31"))[0].status == 201

    assert site.told(message(header("M2"), pid(), obr("F2"), obx("9.9"))).startswith("AE; PID[1]-3: another Patient")
    assert site.told(message(header("M3"), pid(born="19501231"), obr("F3"), obx("3.1"))) == "AA"
    assert site.values() == ["3.1"]  # what came under the other birth date belongs to nobody
    birth_date = site.lab.facts().demographics.birth_date
    assert birth_date is not None
    assert birth_date.isoformat() == "1950-12-31"


REUSED = "AE; OBR[1]-3: this order number, code and sub-id are on record for another patient: only a correction (OBX-11"


def of_mrn2(site: MessageLaboratory) -> list[str]:
    return [fact.value for fact in site.lab.facts(identity=MRN2).named(FactName.NEUTROPHILS)]


@pytest.mark.parametrize(
    ("observation", "sent"),
    [(obx("9.9"), "20260111120000"), (obx("9.9"), "20260109120000"), (obx("9.9", status="P"), "20260111120000"),
     (obx("", status="W"), "20260111120000"), (obx("", status="X"), "20260111120000")],
)  # fmt: skip
def test_an_order_number_used_again_for_another_patient_moves_ends_and_hides_nothing(
    site: MessageLaboratory, observation: str, sent: str
) -> None:
    site.send(oru())
    other = oru(observation, control="M2", mrn="MRN2", sent=sent)

    assert [site.told(other)[: len(REUSED)] for _ in range(2)] == [REUSED, REUSED]
    assert (site.values(), of_mrn2(site)) == (["2.5"], [])
    (refusal,) = site.lab.store.refusals(10)
    assert (refusal.element, refusal.code) == ("OBR[1]-3", "duplicate")


def test_what_cannot_be_read_under_a_used_order_number_ends_nothing_of_the_other_patient(
    site: MessageLaboratory,
) -> None:
    site.send(oru())

    assert site.told(oru(obx("many"), control="M2", mrn="MRN2", sent="20260111120000")).startswith("AE; OBX[1]-5")
    assert site.values() == ["2.5"]


def test_a_correction_moves_a_result_to_the_patient_it_was_of(site: MessageLaboratory) -> None:
    site.send(oru())

    assert site.told(oru(obx("2.5", status="C"), control="M2", mrn="MRN2", sent="20260111120000")) == "AA"
    assert (site.values(), of_mrn2(site)) == ([], ["2.5"])


def test_what_was_taken_back_as_sent_for_the_wrong_patient_may_come_for_the_right_one(site: MessageLaboratory) -> None:
    wrong = oru(obx("", status="W"), control="M2", sent="20260111120000")
    site.send(oru(), wrong)

    assert site.told(oru(obx("2.5"), control="M3", mrn="MRN2", sent="20260111120001")) == "AA"
    assert (site.values(), of_mrn2(site)) == ([], ["2.5"])


def test_a_result_goes_on_under_the_patient_hers_was_merged_into(site: MessageLaboratory) -> None:
    site.send(oru(obx(status="P")), merge("MRN1", "MRN2"))

    assert site.told(oru(obx("2.6"), control="M2", mrn="MRN2", sent="20260111120000")) == "AA"
    assert of_mrn2(site) == ["2.6"]


def test_a_merge_joins_two_records_once_however_often_it_is_told(site: MessageLaboratory) -> None:
    site.send(oru())
    told = [site.told(merge("MRN1", "MRN2")) for _ in range(2)]

    assert told == ["AA", "AA"]
    assert [fact.value for fact in site.lab.facts(identity=MRN2).named(FactName.NEUTROPHILS)] == ["2.5"]
    assert site.values() == []
    assert len(site.lab.outbox.changes_due(site.lab.now())) == 1


def test_an_old_merge_told_again_does_not_undo_what_came_after(site: MessageLaboratory) -> None:
    site.send(oru(), merge("MRN1", "MRN2", "A1"), merge("MRN2", "MRN1", "A2"), merge("MRN1", "MRN2", "A1"))

    assert site.values() == ["2.5"]


def test_in_trouble_nothing_is_taken_and_the_sender_is_told_to_come_again(site: MessageLaboratory) -> None:
    site.trouble.append(Cause.OUT_OF_SPACE)
    told = site.told(oru())
    site.trouble.clear()

    assert told == "AE; message: nothing can be taken now (out_of_space); send it again later"
    assert site.told(oru()) == "AA"
    assert site.values() == ["2.5"]


def test_a_message_in_parts_is_kept_with_its_last_one(site: MessageLaboratory) -> None:
    first = message(header("M1"), pid(), obr(), "OBX|1|NM|751-8^Neutro", "ADD|", "DSC|rest-1|F")
    last = message(f"{header('M2')}||rest-1", "ADD|phils^LN||2.5|10*3/uL^^UCUM|||||F")

    assert site.told(first) == "AA"
    assert site.values() == []
    assert site.told(last) == "AA"
    assert site.values() == ["2.5"]


def test_what_all_connections_may_leave_unfinished_is_bounded(site: MessageLaboratory) -> None:
    text = "x" * 600
    first, other = (message(header(name), pid(), f"NTE|1||{text}", f"DSC|{name}|F") for name in ("M1", "M2"))
    desk = replace(site.desk, room=Room(1000))
    one, two = Conversation(desk), Conversation(desk)

    assert b"MSA|AA" in one.answer(first)
    assert b"MSA|AA" in one.answer(first)  # again: it takes no more room
    refused = two.answer(other).decode()
    assert "MSA|AE|M2" in refused
    assert "the connections of this door together hold as many unfinished messages as they may" in refused

    one.end()
    assert b"MSA|AA" in two.answer(other)
    rest = message(f"{header('M3')}||M2", obr(), obx())
    assert b"MSA|AA" in two.answer(rest)
    assert site.values() == ["2.5"]
    assert b"MSA|AA" in Conversation(desk).answer(first)  # a message that is whole holds nothing


def test_a_burst_that_is_undone_gives_its_room_back(site: MessageLaboratory) -> None:
    part = message(header("M1"), pid(), "NTE|1||" + "x" * 600, "DSC|M1|F")
    desk = replace(site.desk, room=Room(1000))
    conversation = Conversation(desk)

    before = conversation.parts.copy()
    assert conversation.parts.whole(part, Header.of(part)) is None
    conversation.parts.return_to(before)

    assert conversation.parts.unfinished == 0
    assert b"MSA|AA" in Conversation(desk).answer(part)


def test_a_sender_that_asks_for_a_commit_acknowledgment_gets_one(site: MessageLaboratory) -> None:
    asked = f"{header()}|||AL|NE"

    assert "MSA|CA|M1" in site.send(message(asked, pid(), obr(), obx()))[0]
    assert "MSA|CE|M1" in site.send(message(asked, pid(), obr(), obx(status="?")))[0]


def test_a_site_that_names_its_character_set_reads_what_was_refused_before(lab: Laboratory) -> None:
    content = oru().decode().replace("Canary", "Müller").encode("latin-1")
    strict, told = MessageLaboratory(lab), MessageLaboratory(lab, default_character_set="8859/1")

    assert strict.told(content).startswith("AR; MSH-18: it states no character set, and byte")
    assert told.told(content) == "AA"
    assert told.values() == ["2.5"]
    assert NEUTROPHILS.startswith("751-8")


def test_no_answer_and_no_refusal_names_a_patient(site: MessageLaboratory) -> None:
    answers = site.send(oru(obx(status="?")), message(header(), pid().replace("HOSP", "ELSEWHERE"), obr(), obx()), b"x")

    assert not [answer for answer in answers if "MRN1" in answer or "Canary" in answer or "1970" in answer]
    shown = repr(site.lab.store.refusals(100))
    assert "MRN1" not in shown
    assert "Canary" not in shown


def test_results_of_another_birth_date_than_the_ehrs_are_hers_no_longer_whichever_came_first(
    site: MessageLaboratory,
) -> None:
    assert site.told(message(header(), pid(born="19550505"), obr(), obx())) == "AA"
    assert site.values() == ["2.5"]

    site.lab.post(patient(birthDate="1970-03-04"))

    assert site.values() == []
    (refusal,) = site.lab.store.refusals(10)
    assert (refusal.element, refusal.reason) == (
        "Patient.identifier",
        "the EHR's Patient of this identifier has another birth date or sex: what is said of this one is not used",
    )
    site.lab.post(patient(birthDate="1955-05-05"))  # it was the EHR that was wrong
    assert site.values() == ["2.5"]


def test_two_results_that_one_message_does_not_tell_apart_are_both_refused(site: MessageLaboratory) -> None:
    first, second = obx("2.5", time="202601100800"), obx("3.5", time="202601101400", number=2)

    told = site.told(oru(first, second))

    assert told.startswith("AE; OBX[1]-4: the same order number, code and sub-id stand in OBX[2] too")
    assert site.values() == []
    apart = oru(obx("2.5", time="202601100800", sub="1"), obx("3.5", time="202601101400", sub="2", number=2))
    assert site.told(apart) == "AA"
    assert sorted(site.values()) == ["2.5", "3.5"]


def test_a_result_that_one_message_states_twice_alike_counts_once(site: MessageLaboratory) -> None:
    assert site.told(oru(obx(), obx(number=2))) == "AA"
    assert site.values() == ["2.5"]


def test_a_message_is_looked_at_again_once_the_site_has_declared_its_code(lab: Laboratory) -> None:
    content = oru(obx("2.5", code="IFNX^Interferon alpha^99LAB", unit="pg/mL^^UCUM"))
    site = MessageLaboratory(lab)
    assert site.told(content) == "AA"

    row = SiteCode("urn:laboratory", "IFNX", FactName.IFN_ALPHA)
    receive = Receive(lab.store, SITE, lambda: None, lab.clock, SiteCodes.of([row]))
    site.desk = replace(
        site.desk, take=TakeMessage(receive), rules=replace(site.desk.rules, code_systems={"99LAB": "urn:laboratory"})
    )
    site.conversation = Conversation(site.desk)

    assert site.told(content) == "AA"
    assert site.lab.values(FactName.IFN_ALPHA) == ["2.5"]


SPM = "SPM|{number}|||{kind}"


def test_of_several_specimens_one_that_is_no_blood_makes_the_result_doubtful(site: MessageLaboratory) -> None:
    specimens = [SPM.format(number=1, kind="SER^Serum^HL70487"), SPM.format(number=2, kind="CSF^Liquor^HL70487")]
    told = site.told(message(header(), pid(), obr(), obx(), *specimens))

    assert told.startswith("AE; SPM: several specimens of different types: nothing says which of them was measured")
    assert site.values() == []
    tubes = [SPM.format(number=1, kind="SER^Serum^HL70487"), SPM.format(number=2, kind="SER^Serum^HL70487")]
    assert site.told(message(header("M2"), pid(), obr(), obx(), *tubes)) == "AA"
    assert site.values() == ["2.5"]
