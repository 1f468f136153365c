"""A slide from submission to answer: pinned with policy and calibration, regions left out, taken back, erased."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.results.dispatch.adapters.calibrations import CalibrationFolder
from services.results.dispatch.handlers import EvaluateCases
from services.results.ledger.cases import Step
from services.results.ledger.database import open_engine, upgrade
from services.results.ledger.exclusions import Outline
from services.results.ledger.keys import Keys
from services.results.ledger.ledger import Ledger, assemble
from services.results.ledger.outcomes import current
from services.results.ledger.policy import Policy, SinkPolicy
from services.results.serve.handlers import SubmitCase
from shared.bundles.slide_calibration import write_calibration
from shared.domain.case import CaseDetail, Currency, FindingKind, InferenceState, Pins
from shared.domain.errors import ConflictError, InvalidInputError, StaleAttemptError
from shared.domain.images import Artefact, ArtefactKind
from shared.domain.prediction import BundleReference, NotAnalysed, NotAnalysedReason, Prediction
from shared.domain.slides import Point, Scanner, Slide, SlidePolicy
from shared.domain.study import Study
from shared.predictors.her2.predictor import Her2
from shared.predictors.registry import REGISTRY
from shared.testing.cases import PATIENT, START, some_facts
from shared.testing.slides import BUNDLE, SlideModelDouble, a_slide, a_slide_study, a_table, measured
from tests.slide_bundle import KEY, KEYS
from tests.unit.shared.bundles.test_calibration_records import record

pytestmark = pytest.mark.integration

PATCHES = Artefact(ArtefactKind.PATCHES, "artefacts/patches", "a" * 64)
LEFT: Outline = (Point(0, 0), Point(20 * 256, 0), Point(20 * 256, 40 * 256), Point(0, 40 * 256))
ALL: Outline = (Point(-1, -1), Point(1e6, -1), Point(1e6, 1e6), Point(-1, 1e6))


class Installed:
    """One bundle for slides."""

    def for_variant(self, predictor: str, variant: str) -> BundleReference | None:
        return BUNDLE if (predictor, variant) == ("her2", "tl_pa") else None


class Facts:
    """What is on record of the patient."""

    def get_facts(self, identity: Any) -> Any:
        return replace(some_facts(), facts=())


class Site:
    """One ledger, its door, its dispatcher, and a worker whose network is counted."""

    def __init__(self, folder: Path, ledger: Ledger, policy: SlidePolicy) -> None:
        self.ledger, self.networks = ledger, 0
        self.submit_case = SubmitCase(ledger.intake, ledger.intake, REGISTRY, lambda: START)
        self.evaluate = EvaluateCases(
            ledger.collecting, Facts(), Installed(), ledger.recalls, REGISTRY, lambda: START, slides=policy,
            calibrations=CalibrationFolder(folder / "calibrations", KEYS),
        )  # fmt: skip

    def submit(self, study: Study, request: str = "one") -> str:
        (case_id,) = self.submit_case(request, study).case_ids
        return case_id

    def pins(self, case_id: str) -> Pins:
        case = self.detail(case_id).case
        return self.ledger.attempts.claim(f"claim-{case.revision}", case_id, case.revision, "worker", START).pins

    def run(self, case_id: str) -> Any:
        self.evaluate()
        case = self.detail(case_id).case
        claim = self.ledger.attempts.claim(f"claim-{case.revision}", case_id, case.revision, "worker", START)
        halves = np.full((40, 40), 0.45)
        halves[:, :20] = 0.75
        slide = claim.pins.slide
        assert slide is not None
        self.networks += not slide.patches
        answer = Her2().answer_slide(claim.pins, SlideModelDouble(), measured(a_table(halves)))
        if isinstance(answer, Prediction):
            answer = replace(answer, artefacts=(PATCHES,))
        self.ledger.attempts.answer(f"answer-{case.revision}", case_id, claim.attempt, answer, START)
        return answer

    def detail(self, case_id: str) -> CaseDetail:
        return self.ledger.queries.case(case_id, START)

    def exclude(self, case_id: str, *outlines: Outline, request: str = "exclude", reason: str = "in situ") -> None:
        current = next(one for one in self.detail(case_id).findings if one.currency is Currency.CURRENT)
        step = Step("dr-test", START, reason)
        self.ledger.exclusions.exclude(request, case_id, current.finding_id, outlines, step)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    upgrade(engine)
    policy = Policy(sinks=(SinkPolicy("lis", "hl7"), SinkPolicy("pacs", "dicom-cstore", images_only=True)))
    yield Site(tmp_path, assemble(engine, Keys("test-site", b"k" * 32), policy), SlidePolicy(least_tumour_patches=40))
    engine.dispose()


def test_a_slide_is_asked_of_her2_alone_and_answered_with_the_site_s_policy(site: Site) -> None:
    case_id = site.submit(a_slide_study())
    answer = site.run(case_id)
    detail = site.detail(case_id)

    assert isinstance(answer, Prediction)
    assert (detail.case.predictor, detail.case.state) == ("her2", InferenceState.PREDICTED)
    assert detail.slide == a_slide()
    assert detail.findings[0].prediction == answer
    assert [row.sink for row in detail.deliveries] == ["lis"]  # its file lies in no DICOM study


def test_policy_and_calibration_are_pinned(site: Site, tmp_path: Path) -> None:
    write_calibration(tmp_path / "calibrations", record(), KEY)
    case_id = site.submit(a_slide_study())
    site.evaluate()
    pinned = site.pins(case_id).slide

    assert pinned is not None
    assert pinned.policy.least_tumour_patches == 40
    assert pinned.calibration is not None
    assert pinned.calibration.shift == -0.05


def test_a_record_nobody_trusts_is_not_pinned_and_said(site: Site, tmp_path: Path) -> None:
    file = write_calibration(tmp_path / "calibrations", record(), KEY)
    file.write_text(file.read_text().replace("-0.05", "0.05"))
    case_id = site.submit(a_slide_study())
    site.evaluate()
    pins = site.pins(case_id)

    assert pins.slide is not None
    assert pins.slide.calibration is None
    assert any("not signed by a trusted key" in note for note in pins.notes)


def test_a_slide_its_gate_refused_is_a_finding_with_the_reason(site: Site) -> None:
    case_id = site.submit(a_slide_study(a_slide(resolution=None, refused="resolution_unknown", refused_text="no mpp")))
    site.evaluate()
    found = site.detail(case_id).findings[0].not_analysed

    assert found is not None
    assert found.reason is NotAnalysedReason.RESOLUTION_UNKNOWN


def test_a_region_left_out_makes_a_new_revision_without_the_network_and_keeps_the_first(site: Site) -> None:
    case_id = site.submit(a_slide_study())
    before = site.run(case_id)
    site.exclude(case_id, LEFT)
    after = site.run(case_id)
    first, second = site.detail(case_id).findings

    assert site.networks == 1
    assert after.slide.score < before.slide.score
    assert (first.currency, second.currency) == (Currency.SUPERSEDED, Currency.CURRENT)
    assert first.prediction == before
    with site.ledger.engine.connect() as connection:
        said = current(connection, case_id)
    assert said is not None
    assert said.reason == "a region of the slide was left out of the score by dr-test: in situ"
    assert [(one.author, one.reason) for one in after.slide.exclusions] == [("dr-test", "in situ")]


def test_the_same_request_leaves_out_once(site: Site) -> None:
    case_id = site.submit(a_slide_study())
    site.run(case_id)
    finding = site.detail(case_id).findings[0].finding_id
    for _ in range(2):
        site.ledger.exclusions.exclude("same", case_id, finding, (LEFT,), Step("dr-test", START, "in situ"))

    assert len(site.run(case_id).slide.exclusions) == 1


def test_regions_add_up_and_none_takes_all_back(site: Site) -> None:
    case_id = site.submit(a_slide_study())
    before = site.run(case_id)
    site.exclude(case_id, LEFT)
    site.run(case_id)
    site.exclude(case_id, tuple(Point(one.x + 4000, one.y) for one in LEFT), request="second")
    assert len(site.run(case_id).slide.exclusions) == 2
    site.exclude(case_id, request="third")
    back = site.run(case_id)

    assert back.slide.exclusions == ()
    assert back.slide.score == before.slide.score
    assert site.networks == 1


def test_leaving_out_all_tumour_is_no_score_and_can_be_taken_back_without_the_network(site: Site) -> None:
    case_id = site.submit(a_slide_study())
    before = site.run(case_id)
    site.exclude(case_id, ALL)
    nothing = site.run(case_id)
    site.exclude(case_id, request="back")

    assert isinstance(nothing, NotAnalysed)
    assert nothing.reason is NotAnalysedReason.NO_TUMOUR
    assert site.run(case_id).slide.score == before.slide.score
    assert site.networks == 1


def test_what_was_left_out_stays_left_out_when_the_case_is_asked_again(site: Site) -> None:
    case_id = site.submit(a_slide_study())
    site.run(case_id)
    site.exclude(case_id, LEFT)
    site.run(case_id)
    site.submit(a_slide_study(a_slide(tissue="")), "corrected order")
    again = site.run(case_id)

    assert len(again.slide.exclusions) == 1
    assert site.networks == 1


def test_another_scan_makes_regions_void_and_a_person_is_told(site: Site) -> None:
    case_id = site.submit(a_slide_study())
    site.run(case_id)
    site.exclude(case_id, LEFT)
    site.run(case_id)
    site.submit(a_slide_study(a_slide(digest="7" * 64)), "scanned anew")
    again = site.run(case_id)

    assert again.slide.exclusions == ()
    assert site.networks == 2
    assert "exclusions_void" in {one.kind for one in site.ledger.queries.notices()}


def test_another_finding_than_the_one_looked_at_is_refused(site: Site) -> None:
    case_id = site.submit(a_slide_study())
    site.run(case_id)

    with pytest.raises(ConflictError, match="look again"):
        site.ledger.exclusions.exclude("x", case_id, "f" * 32, (LEFT,), Step("dr-test", START, "in situ"))


@pytest.mark.parametrize("outline", [LEFT[:2], (LEFT[0], LEFT[0], LEFT[1])])
def test_what_is_no_region_is_refused(site: Site, outline: Outline) -> None:
    case_id = site.submit(a_slide_study())
    site.run(case_id)

    with pytest.raises(InvalidInputError, match="polygon"):
        site.exclude(case_id, outline)
    with pytest.raises(InvalidInputError, match="one sentence"):
        site.exclude(case_id, LEFT, reason="")


def test_who_left_what_out_stands_in_the_audit(site: Site) -> None:
    case_id = site.submit(a_slide_study())
    site.run(case_id)
    site.exclude(case_id, LEFT)
    rows = [row for row in site.ledger.trail.rows(0, 100, case_id, None) if row.act == "region.excluded"]

    assert [row.actor for row in rows] == ["dr-test"]


def test_an_order_withdrawn_takes_the_answer_back_and_submitted_again_asks_again(site: Site) -> None:
    case_id = site.submit(a_slide_study())
    site.run(case_id)
    withdrawn = a_slide(taken_back="the order was withdrawn")
    assert site.submit(a_slide_study(withdrawn), "withdrawn") == case_id
    last = site.detail(case_id).findings[-1]
    assert last.kind is FindingKind.WITHDRAWN
    site.submit(a_slide_study(), "again")

    assert isinstance(site.run(case_id), Prediction)


def test_an_order_withdrawn_while_the_slide_is_read_takes_the_right_to_answer(site: Site) -> None:
    case_id = site.submit(a_slide_study())
    site.evaluate()
    claim = site.ledger.attempts.claim("claim", case_id, 1, "worker", START)
    answer = Her2().answer_slide(claim.pins, SlideModelDouble(), measured(a_table(np.full((40, 40), 0.6))))
    site.submit(a_slide_study(a_slide(taken_back="the order was withdrawn")), "withdrawn")

    with pytest.raises(StaleAttemptError):
        site.ledger.attempts.answer("answer", case_id, claim.attempt, answer, START)
    assert site.detail(case_id).findings == ()


def test_slides_of_one_dicom_study_do_not_take_each_other_back(site: Site) -> None:
    other: Slide = a_slide(digest="8" * 64, specimen=replace(a_slide().specimen, slide="A1-2"))
    first, second = site.submit(a_slide_study()), site.submit(a_slide_study(other), "two")
    site.run(first)

    assert first != second
    assert site.detail(first).findings[0].currency is Currency.CURRENT


def test_the_same_glass_under_another_specimen_takes_the_first_back(site: Site) -> None:
    first = site.submit(a_slide_study())
    site.run(first)
    second = site.submit(a_slide_study(a_slide(specimen=replace(a_slide().specimen, block="B1"))), "corrected")

    assert second != first
    assert site.detail(first).findings[-1].kind is FindingKind.WITHDRAWN


def test_erasing_a_patient_removes_what_was_drawn_and_never_the_scanner_s_file(site: Site) -> None:
    case_id = site.submit(a_slide_study())
    site.run(case_id)
    site.exclude(case_id, LEFT)
    removed: list[str] = []
    site.ledger.erasures.erase("erase", PATIENT, Step("dr-test", START, "asked for"), frozenset())
    while site.ledger.erasures.work(removed.append, START):
        pass

    assert removed == [f"artefacts:{case_id}"]
    assert site.detail(case_id).slide is None


def test_an_unknown_scanner_is_pinned_without_calibration(site: Site, tmp_path: Path) -> None:
    write_calibration(tmp_path / "calibrations", record(), KEY)
    case_id = site.submit(a_slide_study(a_slide(scanner=Scanner("Acme", "One"))))
    answer = site.run(case_id)

    assert answer.slide.calibration.startswith("none: no signed record of this site for the scanner Acme One")
