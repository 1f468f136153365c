"""Workers that hang, and cases that kill them: the lease notices, the queue goes on, a late answer is refused."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli.supervisor import Program
from shared.testing.ports import wait_until
from tests.patients import a_patient
from tests.system import System

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]


@pytest.fixture
def trouble(system: System, tmp_path: Path) -> Iterator[Path]:
    """Run the troubled worker instead of the good one; return the folder that says whom it has trouble with."""
    child = system.supervisor.children["inference"]
    good = child.program
    child.program = Program(good.name, (sys.executable, "-m", "tests.faults.troubled_worker", str(tmp_path)))
    system.kill("inference")
    system.revive("inference")
    yield tmp_path
    child.program = good
    system.kill("inference")
    system.revive("inference")


def test_a_case_that_kills_its_worker_three_times_is_set_aside_and_the_queue_goes_on(
    system: System, trouble: Path
) -> None:
    deadly, others = a_patient(), [a_patient() for _ in range(3)]
    (trouble / "kill").write_text(deadly.identifier)
    for one in (deadly, *others):
        system.record(*one.facts())
        system.send(one.images())

    failed = system.settled(deadly.study_uid, "failed", findings=0, timeout_s=90)
    assert failed.case.attempts == 3
    assert "3 attempts brought no answer" in failed.case.reason
    assert not failed.deliveries
    told = [notice for notice in system.results.list_notices() if notice.case_id == failed.case.case_id]
    assert [notice.kind for notice in told] == ["case_failed"]
    for one in others:
        assert system.settled(one.study_uid, "predicted", timeout_s=60).case.attempts == 1
    log = (system.folder / "logs" / "inference.log").read_text()
    assert deadly.identifier not in log


def test_a_worker_that_hangs_in_its_answer_loses_the_case_and_its_late_answer_is_refused(
    system: System, trouble: Path
) -> None:
    someone = a_patient()
    (trouble / "hang").write_text(someone.identifier)
    system.record(*someone.facts())
    system.send(someone.images())

    detail = system.settled(someone.study_uid, "predicted", timeout_s=90)
    assert detail.case.attempts == 2
    assert any("lease" in step.reason for step in detail.transitions if step.to_state == "queued")
    log = system.folder / "logs" / "inference.log"
    before = log.read_text().count("answer_dropped")
    os.kill(int((trouble / "hung").read_text()), signal.SIGCONT)
    wait_until(lambda: log.read_text().count("answer_dropped") > before, "the late answer", timeout_s=30)

    after = system.settled(someone.study_uid, "predicted", timeout_s=30)
    assert [finding.result_key for finding in after.findings] == [finding.result_key for finding in detail.findings]
    assert "StaleAttemptError" in log.read_text()
