"""Which sink is owed which finding, and who must look at it first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from services.results.ledger.policy import Policy, SinkPolicy
from shared.domain.case import FindingKind
from shared.domain.study import Study
from shared.storage.blobs import LocalBlobs
from shared.testing.panels import a_panel
from tests.slide_findings import SlideFindings

LIS = SinkPolicy("lis", "hl7-mllp", slides_only=True)
PACS = SinkPolicy("pacs", "dicom-cstore", images_only=True)
EHR = SinkPolicy("ehr", "fhir")


@pytest.fixture
def studies(tmp_path: Path) -> dict[str, Study]:
    blobs = LocalBlobs(tmp_path)
    file = SlideFindings(blobs).study()
    (instance,) = file.instances
    return {
        "file slide": file,
        "DICOM slide": replace(file, instances=(replace(instance, sop_class_uid="1.2.840.10008.5.1.4.1.1.77.1.6"),)),
        "images": replace(file, slide=None),
        "panel": a_panel(),
    }


@pytest.mark.parametrize(
    ("sink", "taken"),
    [
        (LIS, {"file slide", "DICOM slide"}),
        (PACS, {"DICOM slide", "images"}),
        (EHR, {"file slide", "DICOM slide", "images", "panel"}),
    ],
)
def test_each_sink_is_owed_what_it_can_hold(sink: SinkPolicy, taken: set[str], studies: dict[str, Study]) -> None:
    assert {name for name, study in studies.items() if sink.takes(study)} == taken


def test_a_sink_that_holds_asks_for_a_review_of_what_it_takes_and_of_nothing_else(studies: dict[str, Study]) -> None:
    policy = Policy(sinks=(replace(LIS, hold_until_reviewed=True), EHR))
    assert policy.needs_review(FindingKind.NOT_ANALYSED, studies["file slide"])
    assert not policy.needs_review(FindingKind.PREDICTION, studies["panel"])
    assert not policy.needs_review(FindingKind.WITHDRAWN, studies["file slide"])
