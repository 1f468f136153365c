"""kill -9 of real processes: nothing acknowledged is lost, there is exactly one result, and the state shown is true."""

from __future__ import annotations

import os
import shutil
import signal
import threading

import pytest
import sqlalchemy as sa
from pydicom.dataset import Dataset

from services.cli.demo.site import OUR_TITLE
from shared.domain.case import CaseDetail
from shared.testing.dicom import Sender
from shared.testing.ports import wait_until
from tests.patients import Someone, a_patient
from tests.system import System

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]


def assert_exactly_one_result(system: System, someone: Someone) -> CaseDetail:
    detail = system.settled(someone.study_uid, "predicted", timeout_s=90)
    assert {d.state.value for d in detail.deliveries} == {"delivered"}
    assert len(system.pacs.find("Instance", Modality="SR", PatientID=someone.identifier)) == 1
    assessments = system.ehr.search(f"RiskAssessment?subject=Patient/{someone.ehr.patient_id}")
    assert [a["status"] for a in assessments] == ["preliminary"]
    return detail


def test_the_worker_dies_in_mid_task(system: System) -> None:
    for _ in range(6):
        someone = a_patient()
        system.kill("inference")
        system.revive("inference")
        system.record(*someone.facts())
        system.send(someone.images())
        if _kill_while_running(system, someone):
            break
    else:
        pytest.fail("no case was caught while it ran")
    system.revive("inference")

    detail = assert_exactly_one_result(system, someone)
    reasons = [step.reason for step in detail.transitions if step.to_state == "queued"]
    assert any("lease" in reason for reason in reasons)


def test_a_worker_that_hangs_is_noticed_by_its_lease(system: System, someone: Someone) -> None:
    system.record(*someone.facts())
    with system.paused("inference"):
        system.send(someone.images())
        system.until(
            lambda: [d.case.state for d in system.details(someone.study_uid)] == ["queued"], "the case to queue"
        )

    assert_exactly_one_result(system, someone)


def test_results_dies_between_prediction_and_delivery(system: System, someone: Someone) -> None:
    deliver = system.supervisor.children["results.deliver"].process.pid
    system.record(*someone.facts())
    os.killpg(deliver, signal.SIGSTOP)
    system.send(someone.images())
    system.until(lambda: [d.case.state for d in system.details(someone.study_uid)] == ["predicted"], "the prediction")
    for name in ("results.deliver", "results.serve", "results.dispatch"):
        system.kill(name)
    for name in ("results.serve", "results.dispatch", "results.deliver"):
        system.revive(name)

    assert_exactly_one_result(system, someone)


def test_the_listener_dies_in_mid_association(system: System, someone: Someone) -> None:
    images = someone.images(slices=60)
    acknowledged: list[str] = []
    sender = threading.Thread(target=_send_recording, args=(system, images, acknowledged))
    system.record(*someone.facts())
    sender.start()
    wait_until(lambda: len(acknowledged) >= 10, "ten acknowledged images", timeout_s=30)
    system.kill("dicom_listener")
    sender.join(timeout=60)
    first = set(acknowledged)
    assert len(first) < 60
    system.revive("dicom_listener")

    # What was acknowledged is never sent again: only the rest is, as a modality does.
    rest = tuple(image for image in images if image.SOPInstanceUID not in first)
    system.send(rest)
    system.until(lambda: _pinned(system, someone) == 60, "all sixty images in the case", timeout_s=90)
    assert_exactly_one_current_result(system, someone)


def test_redis_is_emptied_while_orders_wait(system: System, someone: Someone) -> None:
    with system.paused("inference"):
        system.record(*someone.facts())
        system.send(someone.images())
        system.until(lambda: _sent_orders(system, someone) == 1, "the order to be sent")
        system.empty_redis()

    assert_exactly_one_result(system, someone)


def test_redis_restarts_empty(system: System, someone: Someone) -> None:
    with system.paused("inference"):
        system.record(*someone.facts())
        system.send(someone.images())
        system.until(lambda: _sent_orders(system, someone) == 1, "the order to be sent")
        system.kill("redis")
        shutil.rmtree(system.folder / "redis")
        (system.folder / "redis").mkdir()
        system.revive("redis")

    assert_exactly_one_result(system, someone)


def test_a_study_arrives_while_redis_is_down(system: System, someone: Someone) -> None:
    system.kill("redis")
    system.record(*someone.facts())
    system.send(someone.images())
    wait_until(lambda: [d.case.state for d in system.details(someone.study_uid)] == ["queued"], "the case to queue")
    system.revive("redis")

    assert_exactly_one_result(system, someone)


def test_the_pacs_is_down_for_a_while(system: System, someone: Someone) -> None:
    system.record(*someone.facts())
    system.pacs_down()
    try:
        system.send(someone.images())
        system.until(lambda: _delivered(system, someone) == {"ehr"}, "the EHR to have it although the PACS is down")
        (detail,) = system.details(someone.study_uid)
        waiting = next(d for d in detail.deliveries if d.sink == "pacs")
        assert waiting.reason or waiting.state == "sending"
    finally:
        system.pacs_up()

    assert_exactly_one_result(system, someone)


def test_the_fhir_server_answers_500_then_200(system: System, someone: Someone) -> None:
    system.record(*someone.facts())
    system.ehr.fail_next(500, 2)
    system.send(someone.images())

    detail = assert_exactly_one_result(system, someone)
    assert next(d.tries for d in detail.deliveries if d.sink == "ehr") >= 2


def assert_exactly_one_current_result(system: System, someone: Someone) -> None:
    """For studies that were submitted more than once: later ones supersede, one is current."""
    system.until(lambda: all(d.state == "delivered" for d in _detail(system, someone).deliveries), "all deliveries", 90)
    assert [f.currency.value for f in _detail(system, someone).findings].count("current") == 1
    assessments = system.ehr.search(f"RiskAssessment?subject=Patient/{someone.ehr.patient_id}")
    assert [a["status"] for a in assessments].count("preliminary") == 1


def _detail(system: System, someone: Someone) -> CaseDetail:
    (detail,) = system.details(someone.study_uid)
    return detail


def _kill_while_running(system: System, someone: Someone) -> bool:
    """Watch the ledger closely; kill the worker the moment its case runs. False: it was answered before."""
    engine = sa.create_engine(f"sqlite:///{system.folder / 'ledger' / 'ledger.sqlite'}")
    query = sa.text("SELECT state FROM ledger_case WHERE study_instance_uid = :uid")
    seen = ""

    def caught() -> bool:
        nonlocal seen
        with engine.connect() as connection:
            seen = connection.execute(query, {"uid": someone.study_uid}).scalar() or ""
        return seen in {"running", "predicted"}

    wait_until(caught, "the case to run", timeout_s=60, poll_s=0.001)
    engine.dispose()
    if seen != "running":
        return False
    system.kill("inference")
    return _detail(system, someone).case.state == "running"


def _sent_orders(system: System, someone: Someone) -> int:
    engine = sa.create_engine(f"sqlite:///{system.folder / 'ledger' / 'ledger.sqlite'}")
    query = sa.text(
        "SELECT count(*) FROM ledger_order o JOIN ledger_case c ON c.case_id = o.case_id"
        " WHERE c.study_instance_uid = :uid AND o.sends > 0"
    )
    with engine.connect() as connection:
        count = int(connection.execute(query, {"uid": someone.study_uid}).scalar() or 0)
    engine.dispose()
    return count


def _delivered(system: System, someone: Someone) -> set[str]:
    return {d.sink for detail in system.details(someone.study_uid) for d in detail.deliveries if d.state == "delivered"}


def _pinned(system: System, someone: Someone) -> int:
    """Return how many images the current result's SR names as evidence."""
    engine = sa.create_engine(f"sqlite:///{system.folder / 'ledger' / 'ledger.sqlite'}")
    query = sa.text(
        "SELECT json_array_length(json_extract(f.body, '$.pins.instances')) FROM ledger_finding f"
        " JOIN ledger_case c ON c.case_id = f.case_id WHERE c.study_instance_uid = :uid AND f.currency = 'current'"
    )
    with engine.connect() as connection:
        count = int(connection.execute(query, {"uid": someone.study_uid}).scalar() or 0)
    engine.dispose()
    return count


def _send_recording(system: System, images: tuple[Dataset, ...], acknowledged: list[str]) -> None:
    """Send images one by one and remember what was answered with Success, until the other side dies."""
    association = Sender(system.ports.dicom, calling="MODALITY", called=OUR_TITLE).associate(images)
    for image in images:
        if not association.is_established:
            return
        try:
            status = association.send_c_store(image)
        except (RuntimeError, ValueError):
            return
        if status.get("Status") == 0:
            acknowledged.append(str(image.SOPInstanceUID))
    association.release()
