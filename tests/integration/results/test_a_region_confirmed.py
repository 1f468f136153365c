"""A simulated study, a proposed region, a person's word, an answer that rests on it: ledger, jail, predictor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.inference.adapters.studies import JailedReader, StoredArtefacts, StoredStudies
from services.inference.handlers.answer_images import AnswerImages
from services.results.dispatch.handlers import EvaluateCases
from services.results.ledger.cases import Step
from services.results.ledger.database import open_engine, upgrade
from services.results.ledger.keys import Keys
from services.results.ledger.ledger import Ledger, assemble
from services.results.ledger.policy import Policy
from shared.domain.case import InferenceState
from shared.domain.facts import Tumour
from shared.domain.identity import Side
from shared.domain.images import AutomaticRegion, ImagingPolicy, RegionOrigin, RegionProposed
from shared.domain.prediction import BundleReference, NotAnalysed, NotAnalysedReason, Prediction
from shared.imaging.artefacts import decode_region
from shared.phantoms.dce.cohort import draw_cohort, scan
from shared.phantoms.dce.storing import dynamic_objects
from shared.phantoms.dce.writing import encoded, study_label
from shared.predictors.ln_pcr.predictor import LnPcr
from shared.predictors.models import Model
from shared.predictors.registry import REGISTRY
from shared.storage.blobs import LocalBlobs
from shared.testing.cases import START, a_study, an_instance, some_facts
from shared.testing.images import EngineDouble, ImageModelDouble, a_network_model

pytestmark = pytest.mark.integration

DLR, CLINICAL = a_network_model(), ImageModelDouble(0.4, None, "ln_pcr-clinical-double")
ASKS = ImagingPolicy(AutomaticRegion.CONFIRM)


class Installed:
    """Both bundles, for dispatch and for the worker."""

    def for_variant(self, predictor: str, variant: str) -> BundleReference | None:
        return {"clinical_dlr": DLR.reference, "clinical": CLINICAL.reference}.get(variant)

    def open(self, bundle_id: str, digest: str) -> Model:
        return DLR if bundle_id == DLR.bundle_id else CLINICAL


class Facts:
    """What is on record of a tumour in one breast."""

    def __init__(self, side: Side) -> None:
        self.side = side

    def get_facts(self, identity: Any) -> Any:
        return some_facts(tumours=(Tumour("Condition/1", self.side),))


class Site:
    """One ledger, its dispatcher, and one worker, at a time that is moved by hand."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self.root, self.ledger, self.now, self.facts = folder / "blobs", ledger, START, Facts(Side.RIGHT)
        blobs = LocalBlobs(self.root)
        installed = Installed()
        self.answer = AnswerImages(
            installed, StoredStudies(blobs, JailedReader("1.2.3")), StoredArtefacts(self.root), EngineDouble,
            nullcontext, lambda: None,
        )  # fmt: skip
        self.evaluate = EvaluateCases(
            ledger.collecting, self.facts, installed, ledger.recalls, REGISTRY, lambda: self.now, ASKS
        )

    def study(self) -> str:
        cohort = draw_cohort(2, 1)
        one = scan(cohort, 0, phases=4)
        blobs = LocalBlobs(self.root)
        images = []
        for number, document in enumerate(dynamic_objects(one.study, study_label(cohort, one))):
            uri, digest = blobs.put(encoded(document))
            images.append(an_instance(number, blob_uri=uri, content_digest=digest))
        (case_id,) = self.ledger.intake.submit("study", a_study(instances=tuple(images)), ("ln_pcr",), self.now)
        return case_id

    def run(self, case_id: str) -> Any:
        """Evaluate, claim and answer; return what the worker reported."""
        self.evaluate()
        case = self.ledger.queries.case(case_id, self.now).case
        claim = self.ledger.attempts.claim(f"claim-{case.revision}", case_id, case.revision, "worker", self.now)
        answer = self.answer(claim, LnPcr())
        self.ledger.attempts.answer(f"answer-{case.revision}", case_id, claim.attempt, answer, self.now)
        return answer


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    upgrade(engine)
    yield Site(tmp_path, assemble(engine, Keys("test-site", b"k" * 32), Policy()))
    engine.dispose()


def test_the_answer_rests_on_exactly_the_region_a_person_confirmed(site: Site) -> None:
    case_id = site.study()
    proposed = site.run(case_id)
    assert isinstance(proposed, RegionProposed)
    step = Step("dr-test", site.now, "")
    site.ledger.proposals.confirm("verdict", case_id, proposed.artefact.digest, confirmed=True, step=step)
    answer = site.run(case_id)

    assert isinstance(answer, Prediction)
    assert answer.variant == "clinical_dlr"
    assert answer.images is not None
    assert answer.images.region is not None
    assert (answer.images.region.origin, answer.images.region.author) == (RegionOrigin.PERSON, "dr-test")
    blobs = LocalBlobs(site.root)
    before, after = (
        decode_region(blobs.read(uri)) for uri in (proposed.artefact.blob_uri, answer.artefacts[0].blob_uri)
    )
    assert (before.bits == after.bits).all()
    assert site.ledger.queries.case(case_id, site.now).case.state is InferenceState.PREDICTED


def test_images_of_the_other_breast_than_the_record_speaks_of_are_not_measured(site: Site) -> None:
    site.facts.side = Side.LEFT
    answer = site.run(site.study())

    assert isinstance(answer, NotAnalysed)
    assert answer.reason is NotAnalysedReason.SIDE_CONFLICT


def test_nobody_in_time_and_the_clinic_answers_saying_so(site: Site) -> None:
    case_id = site.study()
    assert isinstance(site.run(case_id), RegionProposed)
    site.now += timedelta(hours=6)
    answer = site.run(case_id)

    assert isinstance(answer, Prediction)
    assert answer.variant == "clinical"
    assert any("was not confirmed in time" in flag.text for flag in answer.flags)
