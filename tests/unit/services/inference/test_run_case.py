"""Claim, answer, report once: with an in-memory ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

import pytest

from services.inference.handlers.run_case import Pace, RunCase
from shared.bundles.catalog import installed_catalog
from shared.bundles.errors import BundleRefusedError
from shared.domain.case import Claim, PinnedInput, Pins
from shared.domain.errors import InvalidInputError, NotFoundError, StaleAttemptError, UnavailableError
from shared.domain.identity import PatientIdentity, Side
from shared.domain.prediction import Prediction
from shared.predictors import REGISTRY
from shared.testing.slides import slide_pins

CATALOG = installed_catalog()
BUNDLE = CATALOG.find("ln_pcr-clinical-published").reference
INPUTS = tuple(PinnedInput(name, value, ()) for name, value in (("er", "positive"), ("her2", "0"), ("t", "3")))
PINS = Pins(
    PatientIdentity("hospital", "P1"), "1.2.3", date(2024, 5, 2), Side.LEFT, "clinical", BUNDLE.bundle_id,
    BUNDLE.digest, INPUTS, (), (), datetime(2024, 5, 3, tzinfo=UTC),
)  # fmt: skip
STALE = StaleAttemptError("case-a", 1)
DOWN = UnavailableError("results")


@dataclass
class Ledger:
    """Answers each call with the next planned error, then with success."""

    claim: Claim = field(default_factory=lambda: Claim("case-a", 1, 30.0, "ln_pcr", PINS, "token-a"))
    claim_errors: Iterator[Exception] = field(default_factory=lambda: iter(()))
    report_errors: Iterator[Exception] = field(default_factory=lambda: iter(()))
    claim_ids: list[str] = field(default_factory=list)
    report_ids: list[str] = field(default_factory=list)
    recorded: list[Any] = field(default_factory=list)

    def claim_attempt(self, request_id: str, case_id: str, revision: int, worker: str) -> Claim:
        self.claim_ids.append(request_id)
        for error in self.claim_errors:
            raise error
        return self.claim

    def renew_lease(self, case_id: str, attempt: int, token: str = "") -> float:
        return 30.0

    def report_prediction(self, request_id: str, case_id: str, attempt: int, answer: Any, token: str = "") -> str:
        assert token == self.claim.token
        self.report_ids.append(request_id)
        for error in self.report_errors:
            raise error
        self.recorded.append(answer)
        return "finding"


@dataclass
class Clock:
    """A clock that only pausing moves."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


class BrokenPredictor:
    """Quotes its input when it breaks."""

    def answer(self, pins: Pins, model: Any) -> Any:
        raise ValueError(f"cannot read {pins.identity.identifier}")


class NoModels:
    def open(self, bundle_id: str, digest: str) -> Any:
        raise BundleRefusedError(bundle_id, "model.onnx was altered", "install the bundle again")


def run_case(ledger: Ledger, **changes: Any) -> RunCase:
    clock, numbers = Clock(), count()
    handler = RunCase(
        ledger, CATALOG, REGISTRY, "worker-1", Pace(0.5, 4.0, 10.0, 1.0), clock, clock.pause,
        lambda: f"request-{next(numbers)}", lambda claim, predictor: "no images are expected here",
        lambda claim, predictor: "no slides are expected here",
    )  # fmt: skip
    return replace(handler, **changes)


def test_a_claimed_case_is_answered_and_reported() -> None:
    ledger = Ledger()
    run_case(ledger)("case-a", 1)

    [answer] = ledger.recorded
    assert isinstance(answer, Prediction)
    assert answer.bundle == BUNDLE
    assert ledger.report_ids == ["case-a:1:answer"]


@pytest.mark.parametrize("error", [STALE, NotFoundError("case", "case-a")])
def test_an_order_the_ledger_refuses_is_dropped_quietly(error: Exception) -> None:
    ledger = Ledger(claim_errors=iter([error]))
    run_case(ledger)("case-a", 1)

    assert ledger.recorded == []
    assert len(ledger.claim_ids) == 1


def test_a_claim_is_repeated_under_the_same_request_id() -> None:
    ledger = Ledger(claim_errors=iter([DOWN, DOWN]))
    run_case(ledger)("case-a", 1)

    assert ledger.claim_ids == ["request-0"] * 3
    assert len(ledger.recorded) == 1


def test_an_order_delivered_again_claims_under_another_request_id() -> None:
    ledger = Ledger()
    handler = run_case(ledger)
    handler("case-a", 1)
    handler("case-a", 1)

    assert ledger.claim_ids == ["request-0", "request-1"]


def test_a_ledger_that_stays_away_ends_the_order_in_bounded_time() -> None:
    ledger = Ledger(claim_errors=iter([DOWN] * 1000))
    run_case(ledger)("case-a", 1)

    assert 1 < len(ledger.claim_ids) < 10
    assert ledger.recorded == []


def test_a_report_is_repeated_under_the_same_request_id_while_the_lease_lasts() -> None:
    ledger = Ledger(report_errors=iter([DOWN, DOWN, DOWN]))
    run_case(ledger)("case-a", 1)

    assert ledger.report_ids == ["case-a:1:answer"] * 4
    assert len(ledger.recorded) == 1


def test_a_report_is_given_up_before_the_lease_ends() -> None:
    ledger = Ledger(report_errors=iter([DOWN] * 1000))
    handler = run_case(ledger)
    handler("case-a", 1)

    assert ledger.recorded == []
    assert handler.clock() <= 29.0


def test_a_stale_answer_is_thrown_away() -> None:
    ledger = Ledger(report_errors=iter([STALE]))
    run_case(ledger)("case-a", 1)

    assert ledger.report_ids == ["case-a:1:answer"]
    assert ledger.recorded == []


def test_an_answer_results_cannot_take_is_reported_as_a_failure() -> None:
    ledger = Ledger(report_errors=iter([InvalidInputError("prediction", "P1 is odd")]))
    run_case(ledger)("case-a", 1)

    assert ledger.recorded == ["results refused the answer (InvalidInputError)"]


def test_a_refused_bundle_is_a_failure_that_names_the_remedy() -> None:
    ledger = Ledger()
    run_case(ledger, models=NoModels())("case-a", 1)

    [failure] = ledger.recorded
    assert "model.onnx was altered; install the bundle again" in failure


def test_a_predictor_this_worker_lacks_is_a_failure() -> None:
    ledger = Ledger()
    run_case(ledger, predictors={})("case-a", 1)

    assert ledger.recorded == ["this worker has no predictor ln_pcr; install the release that has it"]


def test_a_predictor_that_breaks_is_a_failure_that_quotes_nothing() -> None:
    ledger = Ledger()
    run_case(ledger, predictors={"ln_pcr": BrokenPredictor()})("case-a", 1)

    assert ledger.recorded == ["the predictor broke on the pinned inputs (ValueError)"]


def test_a_slide_that_cannot_be_had_now_is_a_failure_the_ledger_asks_again_about() -> None:
    def gone(claim: Claim, predictor: object) -> Any:
        raise UnavailableError("the slide was replaced")

    worker = run_case(Ledger(), answer_slide=gone)
    said = worker._answer(Claim("case-a", 1, 30.0, "her2", slide_pins()))

    assert str(said).startswith("the slide could not be measured: ")
    assert "the slide was replaced" in str(said)
