"""Nothing acknowledged is lost, doubled or stuck under faults; and the meter that says so can fail."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from shared.testing.dicom import encoded
from tests.bench.durability import EARLY_S, Plan, measure
from tests.bench.load.early_door import start_early_door
from tests.bench.load.senders import traffic
from tests.bench.load.studies import StudyToSend
from tests.bench.meter.audit import Verdict, audit_running, audit_stored
from tests.bench.meter.settle import settle
from tests.patients import a_patient, require_peers
from tests.system import System, start_system

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


def test_five_hundred_instances_through_every_kind_of_fault(tmp_path: Path) -> None:
    require_peers()

    outcome = measure(tmp_path, Plan(instances=500, seed=4, faults=15, deadline_s=400.0))

    assert outcome.verdict.notes() == ()
    assert outcome.acknowledged == outcome.verdict.checked == 500
    assert outcome.injected.total() == 15


def test_a_door_that_acknowledges_before_storing_is_found_out_by_a_kill(tmp_path: Path) -> None:
    require_peers()
    plan = Plan(
        instances=60, per_study=20, faults=1, kinds=("kill_dicom_listener",), deadline_s=30.0, hold_s=EARLY_S
    )  # fmt: skip

    outcome = measure(tmp_path, plan)

    assert outcome.acknowledged == 60
    assert [text for text in outcome.verdict.lost if "not in the catalogue" in text]


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system that nobody harms, for the meter's other hands."""
    require_peers()
    with start_system(tmp_path_factory.mktemp("calm"), listener={"quiet_s": 3.0}) as running:
        yield running


def test_a_door_that_acknowledges_before_storing_loses_nothing_without_a_fault(calm: System) -> None:
    studies = [StudyToSend(a_patient(), 10, 16_000) for _ in range(4)]
    with (
        start_early_door(calm.ports.dicom, EARLY_S) as door,
        traffic(calm, door.port, studies, seed=1) as senders,
    ):
        senders.turnstile.limit = 40
        calm.until(lambda: senders.finished, "everything to be sent")
        told, settled = senders.told, settle(calm, studies, deadline_s=90)
    verdict = audit_running(calm, studies, told, settled)
    calm.kill("dicom_listener")  # only who has the store alone may read it
    audit_stored(verdict, calm.folder / "dicom", studies, told)
    calm.revive("dicom_listener")

    assert verdict.notes() == ()
    assert told.count == verdict.checked == 40


def test_a_result_sent_twice_is_counted_as_doubled(calm: System) -> None:
    study = StudyToSend(a_patient(), 3, 4000)
    assert _audited(calm, study, deadline_s=90).notes() == ()
    for copy in calm.pacs.find("Instance", Modality="SR", PatientID=study.someone.identifier):
        report = dcmread(BytesIO(calm.pacs.dicom(copy)))
        report.SOPInstanceUID = report.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        calm.pacs.upload(encoded(report))
    (assessment,) = calm.ehr.search(f"RiskAssessment?subject=Patient/{study.someone.ehr.patient_id}")
    calm.ehr.put({**assessment, "id": "a-second-one", "identifier": []} | {"meta": {}})

    verdict = _audited(calm, study, deadline_s=20, send=False)

    assert len(verdict.doubled) == 2


def test_a_study_whose_worker_never_answers_is_counted_as_stuck(calm: System) -> None:
    study = StudyToSend(a_patient(), 3, 4000)
    with calm.paused("inference"):
        verdict = _audited(calm, study, deadline_s=6)

    assert len(verdict.stuck) == 1
    assert "case is queued" in verdict.stuck[0]


def test_a_report_that_vanished_from_the_pacs_is_counted_as_lost(calm: System) -> None:
    study = StudyToSend(a_patient(), 3, 4000)
    assert _audited(calm, study, deadline_s=90).notes() == ()
    for report in calm.pacs.find("Instance", Modality="SR", PatientID=study.someone.identifier):
        calm.pacs.delete(f"/instances/{report}")

    verdict = _audited(calm, study, deadline_s=20, send=False)

    assert len(verdict.lost) == 1
    assert "no current SR" in verdict.lost[0]


def _audited(system: System, study: StudyToSend, *, deadline_s: float, send: bool = True) -> Verdict:
    with traffic(system, system.ports.dicom, [study] if send else [], seed=1) as senders:
        senders.turnstile.limit = study.count
        system.until(lambda: senders.finished, "everything to be sent")
        told = senders.told
    return audit_running(system, [study], told, settle(system, [study], deadline_s))
