"""The store itself: turns, time, outbox, schema. On every database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from services.lab_consumer.adapters import database
from services.lab_consumer.handlers.announce import AnnounceDue
from shared.codes import loinc
from shared.domain.errors import ConflictError, OncoRelayError, UnavailableError
from shared.domain.facts import FactName
from shared.domain.governance import PatientChange
from shared.domain.identity import PatientIdentity
from shared.domain.pauses import Pauses
from shared.domain.study import Study
from shared.testing.fhir_resources import ER, observation, patient

if TYPE_CHECKING:
    from tests.contract.lab_consumer.conftest import Laboratory

pytestmark = pytest.mark.contract

PAUSES = Pauses(first_s=10, longest_s=60)


class FlakyResults:
    """Results that are down until told otherwise."""

    def __init__(self) -> None:
        self.down = True
        self.told: list[tuple[str, PatientIdentity]] = []

    def announce_facts(self, request_id: str, identity: PatientIdentity) -> int:
        self.told.append((request_id, identity))
        if self.down:
            raise UnavailableError("results: connection refused")
        return 1

    def submit_panel(self, request_id: str, panel: Study) -> tuple[str, ...]:
        return ()

    def report_patient_change(self, request_id: str, change: PatientChange) -> tuple[int, int]:
        if self.down:
            raise UnavailableError("results: connection refused")
        return 0, 0


def announcer(lab: Laboratory, results: FlakyResults) -> AnnounceDue:
    return AnnounceDue(lab.outbox, results, PAUSES, lab.clock, _ignore)


def _ignore(announcement: object, error: OncoRelayError) -> None:
    pass


def test_a_failed_transaction_leaves_nothing(lab: Laboratory) -> None:
    def cut() -> None:
        with lab.store.writing() as writing:
            writing.announce(PatientIdentity("hospital", "MRN1"))
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        cut()

    assert lab.announcements() == ()


def test_recorded_time_never_stands_nor_falls(lab: Laboratory) -> None:
    times = []
    for _ in range(3):
        lab.clock.moment -= timedelta(hours=1)
        with lab.store.writing() as writing:
            times.append(writing.now)

    assert times == sorted(set(times))


def test_two_writers_take_turns_and_lose_nothing(open_laboratory: Callable[[], Laboratory]) -> None:
    laboratories = [open_laboratory(), open_laboratory()]
    laboratories[0].post(patient())

    def write(lab: Laboratory, name: str) -> None:
        for number in range(15):
            lab.post(observation(f"{name}-{number}", ER, loinc.POSITIVE))
            lab.post(observation("shared", ER, loinc.POSITIVE if number % 2 else loinc.NEGATIVE))

    threads = [threading.Thread(target=write, args=(lab, f"w{place}")) for place, lab in enumerate(laboratories)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    known = laboratories[1].facts(as_of=laboratories[1].now() + timedelta(days=1)).facts
    assert len(known) == 31
    assert len({fact.fact_id for fact in known}) == 31


def test_a_change_is_announced_with_the_same_request_id_until_it_is_taken(lab: Laboratory) -> None:
    results = FlakyResults()
    lab.post(patient())
    announce = announcer(lab, results)

    announce()
    lab.clock.moment += timedelta(minutes=5)
    results.down = False
    announce()
    lab.clock.moment += timedelta(minutes=5)
    announce()

    assert len(results.told) == 2
    assert len(set(results.told)) == 1


def test_a_failed_announcement_waits_longer_each_time(lab: Laboratory) -> None:
    results = FlakyResults()
    lab.post(patient())
    announce = announcer(lab, results)

    announce()
    announce()
    assert len(results.told) == 1
    assert [PAUSES.after(tries).total_seconds() for tries in range(5)] == [10, 20, 40, 60, 60]


def test_announcements_of_one_patient_are_told_once(lab: Laboratory) -> None:
    results = FlakyResults()
    results.down = False
    lab.post(patient(), observation("er", ER, loinc.POSITIVE), patient("MRN2", found="p2"))

    announcer(lab, results)()

    assert [identity.identifier for _, identity in results.told] == ["MRN1", "MRN2"]
    assert lab.announcements() == ()


def test_what_changes_nothing_is_not_announced(lab: Laboratory) -> None:
    results = FlakyResults()
    results.down = False
    lab.post(patient())
    announcer(lab, results)()

    lab.post(patient(), {"resourceType": "Practitioner", "id": "x"})

    assert lab.announcements() == ()


def test_a_database_without_schema_is_refused_with_the_command_to_run(database_url: str) -> None:
    engine = database.open_engine(database_url)

    with pytest.raises(ConflictError, match=r"python -m services\.lab_consumer migrate"):
        database.check_schema(engine)

    database.migrate(engine)
    database.check_schema(engine)
    database.migrate(engine)
    engine.dispose()


def test_a_schema_from_the_future_is_refused(database_url: str) -> None:
    engine = database.open_engine(database_url)
    database.migrate(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(ConflictError, match="9999"):
        database.check_schema(engine)
    engine.dispose()


def test_the_tables_are_those_the_program_uses(database_url: str) -> None:
    import alembic.autogenerate
    import alembic.migration

    from services.lab_consumer.adapters.tables import METADATA

    engine = database.open_engine(database_url)
    database.migrate(engine)
    with engine.connect() as connection:
        context = alembic.migration.MigrationContext.configure(connection)
        assert alembic.autogenerate.compare_metadata(context, METADATA) == []
    engine.dispose()


def test_a_patients_values_survive_a_restart(open_laboratory: Callable[[], Laboratory]) -> None:
    open_laboratory().post(patient(), observation("er", ER, loinc.POSITIVE))

    again = open_laboratory()

    assert again.values(FactName.ESTROGEN_RECEPTOR, again.now() + timedelta(days=1)) == ["positive"]
