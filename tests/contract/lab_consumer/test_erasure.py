"""Erasing a canary patient from the facts, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sql

from services.lab_consumer.adapters.erasure import Erased, SqlErasure
from services.lab_consumer.adapters.pull_queue import SqlPullQueue
from services.lab_consumer.handlers.panels import PanelRules, panel_names
from services.lab_consumer.handlers.submission import Submission
from services.lab_consumer.ports.pulling import Wish
from shared.codes import loinc
from shared.domain.errors import UnavailableError
from shared.domain.facts import FactName
from shared.domain.identity import PatientIdentity
from shared.testing.fhir_resources import observation, patient, quantity
from tests.contract.lab_consumer.conftest import MRN1, Laboratory
from tests.contract.lab_consumer.test_merge_chains import Unwell, announcing
from tests.contract.lab_consumer.test_patient_changes import link, receptor, values

pytestmark = pytest.mark.contract

CANARY = PatientIdentity("hospital", "CANARY-7319-MRN")
BORN = date(1951, 3, 17)


def everything(engine: sql.Engine) -> bytes:
    """Return all the database holds: its files on SQLite, every row of every table on PostgreSQL."""
    if engine.dialect.name == "sqlite":
        place = Path(str(engine.url.database))
        return b"".join(path.read_bytes() for path in place.parent.glob(f"{place.name}*"))
    with engine.connect() as connection:
        tables = sql.inspect(connection).get_table_names()
        return repr([list(connection.execute(sql.text(f"SELECT * FROM {table}"))) for table in tables]).encode()


def test_no_byte_of_the_canary_is_left_not_even_of_what_was_corrected_or_merged(lab: Laboratory) -> None:
    name = [{"family": "Canaryfamily"}]
    lab.post(patient(CANARY.identifier, found="p7", birthDate=BORN.isoformat(), name=name), receptor("er7", "p7"))
    lab.post(patient("MRN2", found="p2"), patient(CANARY.identifier, found="p7", link=link("p2")))
    lab.post(patient(CANARY.identifier, found="p9"), patient("MRN9", found="p9"))
    assert CANARY.identifier.encode() in everything(lab.engine)

    with pytest.raises(UnavailableError, match="yet to hear"):
        SqlErasure(lab.engine)(CANARY)
    announcing(lab, Unwell([]), 0.0)()

    assert SqlErasure(lab.engine)(CANARY).resources == 3
    left = everything(lab.engine)
    for trace in (CANARY.identifier, BORN.isoformat(), "Canaryfamily", "er7#"):
        assert trace.encode() not in left
    assert values(lab, PatientIdentity("hospital", "MRN2")) == []


def test_others_keep_what_is_known_about_them_and_an_erasure_can_be_repeated(lab: Laboratory) -> None:
    lab.post(patient(), receptor(), patient(CANARY.identifier, found="p7"))
    erase = SqlErasure(lab.engine)

    assert erase(CANARY).resources == 1
    assert erase(CANARY) == Erased((CANARY,), 0, 0)
    assert values(lab, MRN1) == ["positive"]


@pytest.mark.parametrize("erased", ["MRN1", CANARY.identifier, "MRN3"])
def test_whoever_of_a_chain_of_merges_is_named_the_whole_patient_is_erased(lab: Laboratory, erased: str) -> None:
    lab.post(patient(), receptor(), patient(CANARY.identifier, found="p7"), patient("MRN3", found="p3"))
    lab.post(patient(link=link("p7")), patient(CANARY.identifier, found="p7", link=link("p3")))
    announcing(lab, Unwell([]), 0.0)()
    done = SqlErasure(lab.engine)(PatientIdentity("hospital", erased))

    assert done.resources == 4
    assert {one.identifier for one in done.identities} == {"MRN1", CANARY.identifier, "MRN3"}
    assert done.identities[0].identifier == "MRN3"
    left = everything(lab.engine)
    assert [one for one in (b"MRN1", b"CANARY", b"MRN3", b"Patient/p1", b"er#") if one in left] == []


def test_results_outlive_no_erasure_because_the_ehr_deleted_its_patient_before(lab: Laboratory) -> None:
    lab.post(patient(CANARY.identifier, found="p7"), receptor("er7", "p7"))
    lab.receive([Submission("Patient", "p7", None)])

    SqlErasure(lab.engine)(CANARY)

    left = everything(lab.engine)
    for trace in (CANARY.identifier, '"Patient/p7"', "er7"):
        assert trace.encode() not in left


def test_a_panel_its_values_and_what_was_asked_for_are_erased(lab: Laboratory) -> None:
    named = panel_names("site", b"k" * 32)
    rules = PanelRules((frozenset({FactName.IL6}),), timedelta(days=7), timedelta(days=3650), 1, named)
    lab.receive = replace(lab.receive, rules=rules)
    lab.post(patient(CANARY.identifier, found="p7"))
    lab.post(observation("il6-canary", loinc.IL6[0], quantity(3, "pg/mL"), subject={"reference": "Patient/p7"}))
    SqlPullQueue(lab.engine, "https://ehr.example.org").want([Wish(identity=CANARY)], lab.now())
    assert b"il6-canary" in everything(lab.engine)

    SqlErasure(lab.engine)(CANARY)

    left = everything(lab.engine)
    for trace in (CANARY.identifier, "il6-canary"):
        assert trace.encode() not in left
