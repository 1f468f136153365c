"""A region that was found automatically waits for a person, on both databases: confirmed, rejected, late, void."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.results.ledger.cases import Step
from services.results.ledger.ledger import Ledger
from services.results.ledger.policy import Policy
from services.results.ledger.proposals import NOBODY_IN_TIME, REJECTED
from shared.domain.audit import faults
from shared.domain.case import Claim, InferenceState, PinnedBundle, PinnedInstance, Pins
from shared.domain.errors import ConflictError, InvalidInputError, StaleAttemptError
from shared.domain.images import (
    Artefact,
    ArtefactKind,
    AutomaticRegion,
    ImagingPolicy,
    PinnedRegion,
    RegionOrigin,
    RegionProposed,
    UsedRegion,
)
from shared.domain.prediction import VariantAnswer
from shared.storage.artefacts import artefact_store
from shared.storage.erasure import BlobEraser
from shared.testing.cases import BUNDLE, PATIENT, a_prediction, some_pins
from tests.contract.ledger.conftest import POLICY
from tests.contract.ledger.steps import pinned, studied

pytestmark = pytest.mark.contract

DLR = replace(BUNDLE, bundle_id="ln_pcr-dlr", digest="d" * 64)
REGION = Artefact(ArtefactKind.REGION, "file:///blobs/artefacts/x/region", "a" * 64)
PROPOSED = RegionProposed(
    "ln_pcr", REGION, UsedRegion(RegionOrigin.AUTOMATIC, "functional tumour volume", 4100, 4305.0),
    "an automatic region of 4.31 cm3",
)  # fmt: skip


def image_pins(**changes: Any) -> Pins:
    first = {"variant": "clinical_dlr", "bundle_id": DLR.bundle_id, "bundle_digest": DLR.digest}
    others = (PinnedBundle("clinical", BUNDLE),)
    return replace(some_pins(**first, others=others, imaging=ImagingPolicy(AutomaticRegion.CONFIRM)), **changes)


def claimed(ledger: Ledger, clock: Any, case_id: str) -> Claim:
    case = ledger.queries.case(case_id, clock()).case
    return ledger.attempts.claim(f"claim-{case_id}-{case.revision}", case_id, case.revision, "worker", clock())


def proposed(ledger: Ledger, clock: Any, **pins: Any) -> str:
    """Take a study to where its region waits for a person; return its case."""
    case_id = studied(ledger, clock)
    pinned(ledger, clock, image_pins(**pins))
    attempt = claimed(ledger, clock, case_id).attempt
    assert ledger.attempts.answer(f"propose-{case_id}", case_id, attempt, PROPOSED, clock()) == ""
    return case_id


def says(ledger: Ledger, clock: Any, case_id: str, *, confirmed: bool, reason: str = "", **other: str) -> str:
    step = Step("dr-test", clock(), reason)
    request, region = other.get("request", "verdict"), other.get("region", REGION.digest)
    return ledger.proposals.confirm(request, case_id, region, confirmed=confirmed, step=step)


def state(ledger: Ledger, clock: Any, case_id: str) -> InferenceState:
    return ledger.queries.case(case_id, clock()).case.state


def test_a_proposed_region_waits_and_says_so_and_nobody_answers_meanwhile(ledger: Ledger, clock: Any) -> None:
    case_id = proposed(ledger, clock)
    ledger.intake.announce("facts", PATIENT, clock())
    pinned(ledger, clock, image_pins())
    detail = ledger.queries.case(case_id, clock())

    assert detail.case.state is InferenceState.COLLECTING
    assert detail.case.reason == "waiting for a person to confirm the region (an automatic region of 4.31 cm3)"
    assert (detail.proposed, detail.findings) == (PROPOSED, ())
    assert detail.case.deadline_time == clock() + POLICY.collect
    assert "region_waits" in {notice.kind for notice in ledger.queries.notices()}


def test_a_confirmed_region_is_pinned_with_who_confirmed_it_and_the_case_runs_again(ledger: Ledger, clock: Any) -> None:
    case_id = proposed(ledger, clock)
    assert says(ledger, clock, case_id, confirmed=True) == InferenceState.COLLECTING
    assert says(ledger, clock, case_id, confirmed=True) == InferenceState.COLLECTING  # the same request, once
    pinned(ledger, clock, image_pins())
    claim = claimed(ledger, clock, case_id)

    assert claim.pins.region == PinnedRegion(REGION, "dr-test", "functional tumour volume")
    assert ledger.queries.case(case_id, clock()).proposed is None
    (row,) = [row for row in ledger.trail.rows(case_id=case_id) if row.act == "region.confirmed"]
    assert (row.actor, row.case_id) == ("dr-test", case_id)
    assert faults(ledger.trail.rows()) == ()


def test_a_confirmed_region_stays_when_only_facts_change(ledger: Ledger, clock: Any) -> None:
    case_id = proposed(ledger, clock)
    says(ledger, clock, case_id, confirmed=True)
    pinned(ledger, clock, image_pins())
    answer = a_prediction(variant="clinical_dlr", bundle=DLR)
    ledger.attempts.answer("answer", case_id, claimed(ledger, clock, case_id).attempt, answer, clock())
    ledger.intake.announce("facts", PATIENT, clock())
    pinned(ledger, clock, image_pins())
    assert state(ledger, clock, case_id) is InferenceState.PREDICTED  # nothing new
    ledger.intake.announce("more facts", PATIENT, clock())
    pinned(ledger, clock, image_pins(facts=()))

    assert claimed(ledger, clock, case_id).pins.region is not None


def test_a_rejected_region_leads_to_an_answer_without_one_that_says_why(ledger: Ledger, clock: Any) -> None:
    case_id = proposed(ledger, clock)
    with pytest.raises(InvalidInputError, match="why the region is not the tumour"):
        says(ledger, clock, case_id, confirmed=False, request="no reason")
    says(ledger, clock, case_id, confirmed=False, reason="it is a vessel")
    pinned(ledger, clock, image_pins())
    pins = claimed(ledger, clock, case_id).pins

    assert pins.imaging == ImagingPolicy(AutomaticRegion.NEVER)
    assert pins.notes == (f"{REJECTED}: it is a vessel",)
    assert pins.region is None


def test_at_the_deadline_the_case_goes_on_without_a_region_and_may_still_be_confirmed(
    ledger: Ledger, clock: Any
) -> None:
    case_id = proposed(ledger, clock)
    clock.forward(seconds=POLICY.collect.total_seconds())
    pinned(ledger, clock, image_pins())
    claim = claimed(ledger, clock, case_id)
    assert claim.pins.imaging == ImagingPolicy(AutomaticRegion.NEVER)
    assert claim.pins.notes == (NOBODY_IN_TIME,)
    ledger.attempts.answer("answer", case_id, claim.attempt, a_prediction(), clock())
    ledger.intake.announce("the same facts", PATIENT, clock())
    pinned(ledger, clock, image_pins())
    assert state(ledger, clock, case_id) is InferenceState.PREDICTED  # nobody is asked for the same region twice

    assert ledger.queries.case(case_id, clock()).proposed == PROPOSED
    assert says(ledger, clock, case_id, confirmed=True) == InferenceState.PREDICTED
    pinned(ledger, clock, image_pins())
    assert claimed(ledger, clock, case_id).pins.region is not None


def test_a_late_series_makes_the_proposal_void(ledger: Ledger, clock: Any) -> None:
    case_id = proposed(ledger, clock)
    ledger.intake.announce("woken", PATIENT, clock())
    late = (*some_pins().instances, PinnedInstance("1.2.9", "1.2", "1.2.8", "new", "i", "file:///y"))
    pinned(ledger, clock, image_pins(instances=late))

    claim = claimed(ledger, clock, case_id)
    assert (claim.pins.region, claim.pins.imaging) == (None, ImagingPolicy(AutomaticRegion.CONFIRM))
    with pytest.raises(ConflictError, match="no region of case"):
        says(ledger, clock, case_id, confirmed=True)


def test_another_region_than_the_one_looked_at_is_not_confirmed(ledger: Ledger, clock: Any) -> None:
    case_id = proposed(ledger, clock)

    with pytest.raises(ConflictError, match="look again"):
        says(ledger, clock, case_id, confirmed=True, region="b" * 64)


def test_a_case_without_a_proposal_has_nothing_to_confirm(ledger: Ledger, clock: Any) -> None:
    with pytest.raises(ConflictError, match="no region of case"):
        says(ledger, clock, studied(ledger, clock), confirmed=True)


def test_a_site_that_asks_no_longer_has_the_region_used(ledger: Ledger, clock: Any) -> None:
    case_id = proposed(ledger, clock)
    ledger.intake.announce("woken", PATIENT, clock())
    use = ImagingPolicy(AutomaticRegion.USE)
    pinned(ledger, clock, image_pins(imaging=use))

    assert claimed(ledger, clock, case_id).pins.imaging == use


def test_a_worker_that_measures_no_images_is_given_the_bundle_that_needs_none(ledger: Ledger, clock: Any) -> None:
    case_id = studied(ledger, clock)
    pinned(ledger, clock, image_pins())
    old = ledger.attempts.claim("claim", case_id, 1, "worker of the previous version", clock(), images=False)

    assert (old.pins.variant, old.pins.bundle_id, old.pins.others) == ("clinical", BUNDLE.bundle_id, ())
    assert ledger.attempts.answer("answer", case_id, old.attempt, a_prediction(), clock())


def test_a_stale_attempt_proposes_nothing(ledger: Ledger, clock: Any) -> None:
    case_id = proposed(ledger, clock)

    with pytest.raises(StaleAttemptError):
        ledger.attempts.answer("again", case_id, 1, PROPOSED, clock())


@pytest.mark.parametrize("recalled", [DLR, BUNDLE], ids=["the leading one", "one beside it"])
def test_a_recall_of_any_pinned_bundle_takes_a_case_back_before_it_is_claimed(
    ledger: Ledger, clock: Any, recalled: Any
) -> None:
    case_id = studied(ledger, clock)
    pinned(ledger, clock, image_pins())
    step = Step("dr-test", clock(), "wrong")
    ledger.recalls.recall("recall", recalled.bundle_id, "", "", step)
    with pytest.raises(StaleAttemptError):
        claimed(ledger, clock, case_id)
    ledger.recalls.work(clock())

    assert state(ledger, clock, case_id) is InferenceState.COLLECTING


def both(bundle: Any = BUNDLE) -> Any:
    rows = (VariantAnswer("clinical_dlr", 0.7, DLR), VariantAnswer("clinical", 0.4, bundle))
    return a_prediction(0.7, variant="clinical_dlr", bundle=DLR, variants=rows)


def test_a_recall_finds_results_that_only_show_the_bundles_number_beside_their_own(ledger: Ledger, clock: Any) -> None:
    case_id = studied(ledger, clock)
    pinned(ledger, clock, image_pins())
    ledger.attempts.answer("answer", case_id, claimed(ledger, clock, case_id).attempt, both(), clock())
    ledger.recalls.recall("recall", BUNDLE.bundle_id, BUNDLE.version, "", Step("dr-test", clock(), "wrong"))
    ledger.recalls.work(clock())

    (recall,) = ledger.recalls.all()
    assert (recall.case_count, recall.withdrawn_count) == (1, 1)
    assert "was recalled" in ledger.queries.case(case_id, clock()).case.reason


def test_an_answer_that_shows_a_recalled_bundles_number_is_thrown_away(ledger: Ledger, clock: Any) -> None:
    case_id = studied(ledger, clock)
    pinned(ledger, clock, image_pins())
    claim = claimed(ledger, clock, case_id)
    ledger.recalls.recall("recall", BUNDLE.bundle_id, BUNDLE.version, "", Step("dr-test", clock(), "wrong"))
    ledger.attempts.answer("answer", case_id, claim.attempt, both(), clock())

    assert state(ledger, clock, case_id) is InferenceState.COLLECTING
    assert ledger.queries.case(case_id, clock()).findings == ()


def stored(ledger: Ledger, clock: Any, root: Path, content: bytes, request: str, case_id: str) -> Path:
    """Report an answer with a region beside it; return the file."""
    uri, digest = artefact_store(root, case_id).put(content)
    answer = replace(both(), artefacts=(Artefact(ArtefactKind.REGION, uri, digest),))
    ledger.attempts.answer(request, case_id, claimed(ledger, clock, case_id).attempt, answer, clock())
    return artefact_store(root, case_id).path(uri)


def test_what_was_stored_beside_answers_is_erased_with_the_patient_reported_or_not(
    ledger: Ledger, clock: Any, tmp_path: Path
) -> None:
    case_id = studied(ledger, clock, instances=())
    pinned(ledger, clock, image_pins())
    path = stored(ledger, clock, tmp_path, b"a region", "answer", case_id)
    artefact_store(tmp_path, case_id).put(b"of an attempt that died before it reported")
    ledger.erasures.erase("erase", PATIENT, Step("dpo", clock(), "asked for"))
    for _ in range(2):
        ledger.erasures.work(BlobEraser(tmp_path), clock())

    assert not path.exists()
    assert not [one for one in tmp_path.rglob("*") if one.is_file() and "ledger.sqlite" not in one.name]


def test_what_was_stored_beside_a_finding_goes_with_it_and_a_file_two_findings_name_stays(
    make_ledger: Callable[..., Ledger], clock: Any, tmp_path: Path
) -> None:
    policy: Policy = replace(POLICY, sinks=(), keep_findings=timedelta(days=30))
    ledger = make_ledger(policy)
    case_id = studied(ledger, clock)
    files = []
    for number, content in enumerate((b"of the first", b"of both", b"of both")):
        pinned(ledger, clock, image_pins(notes=(str(number),)))
        files.append(stored(ledger, clock, tmp_path, content, f"answer-{number}", case_id))
        ledger.intake.announce(f"facts-{number}", PATIENT, clock())
    ledger.retention.purge(clock.forward(days=31), BlobEraser(tmp_path))

    assert [path.exists() for path in files] == [False, True, True]
    assert [one.prediction is None for one in ledger.queries.case(case_id, clock()).findings] == [True, True, False]
