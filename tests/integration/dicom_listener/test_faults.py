"""kill -9, torn journals and a ledger that is away: nothing acknowledged is lost, nothing is submitted twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.domain.study import CompletenessEvidence
from shared.phantoms.mr_series import StudyAttributes
from shared.testing.dicom import Sender, small_series
from shared.testing.listener_process import ListenerProcess
from shared.testing.ports import wait_until
from shared.testing.results_recorder import ResultsRecorder

pytestmark = [pytest.mark.integration, pytest.mark.faults]


def test_a_kill_in_mid_association_loses_no_acknowledged_instance(
    breakable: ListenerProcess, its_results: ResultsRecorder, its_pacs: Sender
) -> None:
    images = small_series(6)
    association = its_pacs.associate(images)
    acknowledged = [image for image in images[:4] if association.send_c_store(image).Status == 0]
    breakable.kill()
    association.abort()
    breakable.start()

    (study,) = its_results.wait_for_studies(1)

    assert len(acknowledged) == 4
    assert {one.sop_instance_uid for one in study.instances} == {image.SOPInstanceUID for image in acknowledged}
    assert study.completeness.evidence is CompletenessEvidence.QUIET_TIME


def test_the_rest_of_a_study_after_a_kill_completes_it(
    breakable: ListenerProcess, its_results: ResultsRecorder, its_pacs: Sender
) -> None:
    images = small_series(6)
    association = its_pacs.associate(images)
    for image in images[:3]:
        association.send_c_store(image)
    breakable.kill()
    association.abort()
    breakable.start()
    its_pacs.send(images)

    (study,) = its_results.wait_for_studies(1)

    assert len(study.instances) == 6
    assert study.completeness.evidence is CompletenessEvidence.ASSOCIATION_RELEASED


def test_results_that_is_away_gets_every_study_once_it_is_back(breakable: ListenerProcess, its_pacs: Sender) -> None:
    its_pacs.send(small_series(2))
    wait_until(lambda: "results_unavailable" in breakable.log, "a failed try")
    back = ResultsRecorder()
    back.start(f"127.0.0.1:{breakable.results_port}")
    try:
        (study,) = back.wait_for_studies(1)
        wait_until(lambda: "study_submitted" in breakable.log, "the record of the answer")
    finally:
        back.stop()

    assert len(study.instances) == 2
    assert len(back.studies) == 1


def test_a_study_judged_before_a_kill_keeps_its_evidence_and_request_id(
    breakable: ListenerProcess, its_pacs: Sender
) -> None:
    its_pacs.send(small_series(2))
    wait_until(lambda: "study_complete" in breakable.log, "the judgement")
    breakable.kill()
    breakable.start()
    back = ResultsRecorder()
    back.start(f"127.0.0.1:{breakable.results_port}")
    try:
        (study,) = back.wait_for_studies(1)
    finally:
        back.stop()

    assert study.completeness.evidence is CompletenessEvidence.ASSOCIATION_RELEASED


def test_a_restart_submits_nothing_that_was_submitted(
    breakable: ListenerProcess, its_results: ResultsRecorder, its_pacs: Sender
) -> None:
    images = small_series(2)
    its_pacs.send(images)
    its_results.wait_for_studies(1)
    wait_until(lambda: "study_submitted" in breakable.log, "the record of the answer")
    breakable.kill()
    breakable.start()
    its_pacs.send(images)
    other = small_series(1, study=StudyAttributes(seed="second"))
    its_pacs.send(other)

    studies = its_results.wait_for_studies(2)

    assert [one.study_instance_uid for one in studies] == [images[0].StudyInstanceUID, other[0].StudyInstanceUID]


@pytest.mark.parametrize("lost", ["the index", "the tail of the journal"])
def test_a_lost_index_or_torn_journal_loses_no_acknowledged_instance(
    lost: str, breakable: ListenerProcess, its_results: ResultsRecorder, its_pacs: Sender
) -> None:
    images = small_series(3)
    association = its_pacs.associate(images)
    for image in images:
        association.send_c_store(image)
    breakable.kill()
    association.abort()
    _damage(lost, breakable.folder / "data" / "dicom")
    breakable.start()

    (study,) = its_results.wait_for_studies(1)

    assert len(study.instances) == 3


def _damage(what: str, folder: Path) -> None:
    if what == "the index":
        for path in folder.glob("index.sqlite*"):
            path.unlink()
    else:
        with next((folder / "journal").glob("*.jsonl")).open("ab") as stream:
            stream.write(b'00000000 900 {"kind":"InstanceStored","record":{"sop_inst')
