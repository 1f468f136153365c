"""Values of one draw become one panel under one id, whatever happens to them later; on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import count

import pytest

from services.lab_consumer.adapters.erasure import SqlErasure
from services.lab_consumer.handlers.announce import AnnounceDue
from services.lab_consumer.handlers.panels import GONE, PanelRules, follow, panel_names, study_of
from services.lab_consumer.ports.outbox import PanelReport
from services.lab_consumer.ports.records import Statement, StatementKind
from shared.domain.errors import UnavailableError
from shared.domain.facts import Fact, FactName
from shared.domain.governance import PatientChange, PatientChangeKind
from shared.domain.identity import PatientIdentity
from shared.domain.pauses import Pauses
from shared.domain.study import CompletenessEvidence, Study
from shared.testing.cases import a_fact
from tests.contract.lab_consumer.conftest import MRN1, Laboratory

pytestmark = pytest.mark.contract

MRN2 = PatientIdentity("hospital", "MRN2")
CRP, IL6 = FactName.HSCRP, FactName.IL6
GROUP = frozenset({CRP, IL6})
RULES = PanelRules((GROUP,), timedelta(days=7), timedelta(days=30), 1, panel_names("site", b"s" * 32))
DAY = date(2026, 2, 20)
"""Nine days before the laboratory's clock."""


def value(name: FactName = CRP, day: date = DAY, number: int = 1, **changes: str) -> Fact:
    source = f"Observation/{name}-{number}"
    fact = a_fact(name, "5.0", unit="mg/L", fact_id=f"{source}#{name}", source=source, effective_date=day)
    return replace(fact, **changes)  # type: ignore[arg-type]


def know(lab: Laboratory, *facts: Fact, of: PatientIdentity = MRN1, rules: PanelRules = RULES) -> None:
    """Say what is known about a patient now, all of it, as the projection does after every commit."""
    with lab.store.writing() as writing:
        before = {row.key: row for row in writing.stated(of)}
        after = {fact.fact_id: Statement(StatementKind.FACT, fact.fact_id, fact) for fact in facts}
        gone = [Statement(StatementKind.FACT, key, None) for key in before if key not in after]
        changed = [*gone, *(row for key, row in after.items() if before.get(key) != row)]
        writing.state(of, changed)
        follow(writing, of, changed, rules)


def reports(lab: Laboratory) -> list[PanelReport]:
    return list(lab.outbox.panels_due(lab.now() + timedelta(days=1)))


def told(lab: Laboratory) -> list[Study]:
    """Hand over what is due; return it."""
    due = reports(lab)
    for report in due:
        lab.outbox.panel_submitted(report, lab.now())
    return [study_of(report.panel) for report in due]


def merge(lab: Laboratory, ends: PatientIdentity, survives: PatientIdentity, kind: str = "merge") -> None:
    with lab.store.writing() as writing:
        writing.change(PatientChange(PatientChangeKind(kind), ends, survives, "MSG"))
    for report in lab.outbox.changes_due(lab.now() + timedelta(days=1)):
        lab.outbox.change_announced(report, lab.now())


def test_a_first_value_opens_a_panel_that_says_whose_it_is_of_which_day_and_of_which_analytes(lab: Laboratory) -> None:
    know(lab, value())
    (panel,) = told(lab)

    assert (panel.identity, panel.study_date, panel.instances, panel.sender) == (MRN1, DAY, (), "lab_consumer")
    assert panel.completeness.evidence is CompletenessEvidence.FIRST_VALUE
    assert panel.panel is not None
    assert (panel.panel.analytes, panel.panel.last_date, panel.panel.taken_back) == (("hscrp", "il6"), DAY, "")
    assert panel.study_instance_uid.startswith("2.25.")
    assert len(panel.study_instance_uid) <= 64


def test_the_uid_names_nobody_and_is_the_same_wherever_the_same_values_are_read_again(lab: Laboratory) -> None:
    know(lab, value())
    uid = told(lab)[0].study_instance_uid
    other = panel_names("site", b"t" * 32)(MRN1, ("hscrp", "il6"), DAY, 0)

    assert panel_names("site", b"s" * 32)(MRN1, ("hscrp", "il6"), DAY, 0) == uid
    assert other != uid


def test_what_comes_later_of_the_same_draw_changes_the_panel_and_opens_none(lab: Laboratory) -> None:
    know(lab, value())
    (first,) = told(lab)
    know(lab, value(), value(IL6, DAY + timedelta(days=3)))
    (second,) = told(lab)

    assert second.study_instance_uid == first.study_instance_uid
    assert second.panel is not None
    assert second.panel.last_date == DAY + timedelta(days=3)
    assert second.completeness == first.completeness


def test_a_second_value_of_the_same_days_is_announced_as_a_fact_and_not_as_a_panel(lab: Laboratory) -> None:
    know(lab, value())
    told(lab)
    know(lab, value(), value(IL6))

    assert reports(lab) == []


def test_a_late_earlier_value_moves_the_draw_and_keeps_its_id(lab: Laboratory) -> None:
    know(lab, value())
    (first,) = told(lab)
    know(lab, value(), value(IL6, DAY - timedelta(days=2)))
    (second,) = told(lab)

    assert second.study_instance_uid == first.study_instance_uid
    assert second.study_date == DAY - timedelta(days=2)


def test_a_corrected_date_moves_the_draw_and_keeps_its_id(lab: Laboratory) -> None:
    know(lab, value())
    (first,) = told(lab)
    know(lab, value(day=DAY - timedelta(days=20)))
    (second,) = told(lab)

    assert second.study_instance_uid == first.study_instance_uid
    assert second.study_date == DAY - timedelta(days=20)


def test_a_corrected_number_is_no_news_about_the_panel(lab: Laboratory) -> None:
    know(lab, value())
    told(lab)
    know(lab, value(value="7.5", version="2"))

    assert reports(lab) == []


def test_a_draw_whose_every_value_was_taken_back_is_taken_back_with_its_reason(lab: Laboratory) -> None:
    know(lab, value())
    (first,) = told(lab)
    know(lab)
    (gone,) = told(lab)

    assert gone.study_instance_uid == first.study_instance_uid
    assert gone.panel is not None
    assert gone.panel.taken_back == GONE


def test_the_same_draw_sent_again_under_another_id_asks_the_same_panel_again(lab: Laboratory) -> None:
    know(lab, value())
    (first,) = told(lab)
    know(lab)
    told(lab)
    know(lab, value(number=2))
    (again,) = told(lab)

    assert again.study_instance_uid == first.study_instance_uid
    assert again.panel is not None
    assert again.panel.taken_back == ""


def test_a_draw_that_turns_out_to_repeat_another_is_taken_back_naming_it(lab: Laboratory) -> None:
    know(lab, value(day=DAY + timedelta(days=5)))
    (lonely,) = told(lab)
    whole = (value(number=2), value(IL6))
    know(lab, value(day=DAY + timedelta(days=5)), *whole)
    by_uid = {row.study_instance_uid: row for row in told(lab)}
    taken_back = by_uid.pop(lonely.study_instance_uid)

    assert taken_back.panel is not None
    assert DAY.isoformat() in taken_back.panel.taken_back
    assert [row.study_date for row in by_uid.values()] == [DAY]


def test_values_far_apart_are_two_panels(lab: Laboratory) -> None:
    know(lab, value(), value(day=DAY - timedelta(days=8), number=2))

    assert len({row.study_instance_uid for row in told(lab)}) == 2


def test_history_opens_nothing_and_a_correction_of_what_was_opened_in_time_still_counts(lab: Laboratory) -> None:
    know(lab, value(day=DAY - timedelta(days=40)))
    assert reports(lab) == []
    know(lab, value())
    told(lab)
    lab.clock.moment += timedelta(days=60)
    know(lab)

    assert [row.panel.taken_back for row in told(lab) if row.panel] == [GONE]


def test_a_site_may_ask_for_more_than_one_analyte_before_a_case_is_opened(lab: Laboratory) -> None:
    rules = replace(RULES, opens_with=2)
    know(lab, value(), rules=rules)
    assert reports(lab) == []
    know(lab, value(), value(IL6), rules=rules)

    assert len(told(lab)) == 1


def test_values_of_two_merged_records_are_one_draw_under_the_survivors_panel(lab: Laboratory) -> None:
    know(lab, value())
    know(lab, value(IL6), of=MRN2)
    mine, hers = told(lab)
    merge(lab, MRN1, MRN2)
    know(lab, of=MRN1)
    know(lab, value(), value(IL6), of=MRN2)
    (gone,) = told(lab)

    assert gone.study_instance_uid == mine.study_instance_uid
    assert gone.panel is not None
    assert "draw of" in gone.panel.taken_back
    know(lab, value(), value(IL6), value(IL6, DAY + timedelta(days=1), 2), of=MRN2)
    assert reports(lab) == []
    assert hers.identity == MRN2


def test_a_panel_follows_its_values_to_the_survivor_and_back_without_a_second_one(lab: Laboratory) -> None:
    know(lab, value())
    (first,) = told(lab)
    merge(lab, MRN1, MRN2)
    know(lab, of=MRN1)
    know(lab, value(), of=MRN2)
    assert reports(lab) == []
    merge(lab, MRN1, MRN2, "unlink")
    know(lab, of=MRN2)
    know(lab, value(), of=MRN1)

    assert reports(lab) == []
    know(lab)
    assert [row.study_instance_uid for row in told(lab)] == [first.study_instance_uid]


def test_panels_wait_for_changes_of_patients_and_go_before_facts(lab: Laboratory) -> None:
    heard: list[str] = []

    class Hearing:
        def announce_facts(self, request_id: str, identity: PatientIdentity) -> int:
            heard.append("facts")
            return 0

        def submit_panel(self, request_id: str, panel: Study) -> tuple[str, ...]:
            heard.append("panel")
            return ()

        def report_patient_change(self, request_id: str, change: PatientChange) -> tuple[int, int]:
            heard.append("change")
            return 0, 0

    with lab.store.writing() as writing:
        writing.announce(MRN1)
        writing.change(PatientChange(PatientChangeKind.MERGE, MRN2, MRN1, "MSG"))
    know(lab, value())
    assert reports(lab) == []
    AnnounceDue(lab.outbox, Hearing(), Pauses(0.0, 0.0), lab.now, lambda row, error: None)()

    assert heard == ["change", "panel", "facts"]


class Away:
    """Results that are away, and remember under which request id they were asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def announce_facts(self, request_id: str, identity: PatientIdentity) -> int:
        return 0

    def submit_panel(self, request_id: str, panel: Study) -> tuple[str, ...]:
        self.asked.append(request_id)
        raise UnavailableError("results")

    def report_patient_change(self, request_id: str, change: PatientChange) -> tuple[int, int]:
        return 0, 0


def test_a_panel_results_does_not_take_is_offered_again_under_the_same_request_id(lab: Laboratory) -> None:
    know(lab, value())
    results = Away()
    announce = AnnounceDue(lab.outbox, results, Pauses(0.0, 0.0), lab.now, lambda row, error: None)
    announce()
    announce()

    assert len(results.asked) == 2
    assert len(set(results.asked)) == 1
    assert lab.outbox.waiting() == 1


def test_a_panel_that_changes_while_it_is_under_way_is_offered_once_more(lab: Laboratory) -> None:
    know(lab, value())
    (under_way,) = reports(lab)
    know(lab, value(), value(IL6, DAY + timedelta(days=1)))
    lab.outbox.panel_submitted(under_way, lab.now())
    (left,) = reports(lab)

    assert left.request_id != under_way.request_id
    assert left.panel.last == DAY + timedelta(days=1)


def test_an_erased_patient_leaves_no_panel(lab: Laboratory) -> None:
    know(lab, value())
    SqlErasure(lab.engine)(MRN1)

    assert reports(lab) == []
    assert lab.outbox.waiting() == 0


def test_what_arrives_in_any_order_ends_as_the_same_draws(lab: Laboratory) -> None:
    values = [value(), value(IL6, DAY + timedelta(days=6)), value(CRP, DAY + timedelta(days=6), 2)]
    ends = []
    for number, order in zip(count(3), (values, values[::-1]), strict=False):
        who = PatientIdentity("hospital", f"MRN{number}")
        for end in range(1, len(order) + 1):
            know(lab, *order[:end], of=who)
        told(lab)
        with lab.store.writing() as writing:
            ends.append([(row.first, row.last) for row in writing.panels(who) if not row.taken_back])

    assert ends[0] == ends[1] == [(DAY + timedelta(days=6), DAY + timedelta(days=6))]
