"""Answer one case: claim it, score it while the lease lives, report once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import structlog

from services.inference.handlers.lease import Lease
from services.inference.ports import Answer, Attempts, Models
from shared.domain.case import Claim
from shared.domain.errors import OncoRelayError, PermanentError, StaleAttemptError, TemporaryError, place
from shared.predictors.contract import ImagePredictor, SlidePredictor
from shared.predictors.registry import AnyPredictor

log = structlog.get_logger("oncorelay.inference")

P = TypeVar("P", ImagePredictor, SlidePredictor)


class Ending(StrEnum):
    """How an order ended, as far as this worker is concerned."""

    ANSWERED = "answered"
    DROPPED = "dropped"
    """Somebody else has it, or it moved on."""
    GIVEN_UP = "given_up"
    """Results could not be reached in time; the ledger sends it again."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How patiently results is asked again, in seconds."""

    first_retry_s: float
    longest_retry_s: float
    claim_patience_s: float
    lease_margin_s: float

    def pauses(self) -> Iterator[float]:
        """Yield the pauses between tries: doubling, bounded."""
        pause = self.first_retry_s
        while True:
            yield pause
            pause = min(2 * pause, self.longest_retry_s)


@dataclass(frozen=True, slots=True)
class RunCase:
    """Answer one order. May run twice: the ledger gives the lease to one, and an attempt's answer is recorded once."""

    attempts: Attempts
    models: Models
    predictors: Mapping[str, AnyPredictor]
    worker: str
    pace: Pace
    clock: Callable[[], float]
    """Monotonic seconds."""
    pause: Callable[[float], None]
    new_request_id: Callable[[], str]
    answer_images: Callable[[Claim, ImagePredictor], Answer]
    """What answers where images may have to be measured (``handlers/answer_images.py``)."""
    answer_slide: Callable[[Claim, SlidePredictor], Answer]
    """What answers questions about slides (``handlers/answer_slides.py``)."""

    def __call__(self, case_id: str, revision: int) -> Ending:
        """Claim, answer, report; whatever cannot be finished here is left to the ledger, which sends it again."""
        claim = self._claim(case_id, revision)
        if not isinstance(claim, Claim):
            return claim
        attempt, token = claim.attempt, claim.token
        renew = lambda: self.attempts.renew_lease(case_id, attempt, token)  # noqa: E731
        with Lease(renew, claim.lease_seconds, self.clock) as lease:
            return self._report(claim, self._answer(claim), lease)

    def _claim(self, case_id: str, revision: int) -> Claim | Ending:
        # One id per delivery of the order: a repeat of the call gets the same claim, but a redelivered order never
        # inherits an attempt whose worker died, so that attempts are counted and a deadly case ends.
        request_id = self.new_request_id()
        end = self.clock() + self.pace.claim_patience_s
        for pause in self.pace.pauses():
            try:
                return self.attempts.claim_attempt(request_id, case_id, revision, self.worker)
            except PermanentError as error:
                log.info("order_dropped", case_id=case_id, revision=revision, reason=type(error).__name__)
                return Ending.DROPPED
            except TemporaryError:
                if self.clock() + pause > end:
                    break
            self.pause(pause)
        log.warning("claim_given_up", case_id=case_id, revision=revision)
        return Ending.GIVEN_UP

    def _answer(self, claim: Claim) -> Answer:
        predictor = self.predictors.get(claim.predictor)
        if predictor is None:
            return f"this worker has no predictor {claim.predictor}; install the release that has it"
        if isinstance(predictor, ImagePredictor) and claim.pins.imaging is not None:
            return self._from_images(claim, predictor, self.answer_images)
        if isinstance(predictor, SlidePredictor):
            return self._from_images(claim, predictor, self.answer_slide)
        try:
            model = self.models.open(claim.pins.bundle_id, claim.pins.bundle_digest)
        except PermanentError as error:
            # An operator's matter, not the patient's: a repaired or another worker can still answer.
            log.warning("bundle_refused", case_id=claim.case_id, bundle_id=claim.pins.bundle_id)
            return str(error)
        try:
            return predictor.answer(claim.pins, model)
        except Exception as error:  # noqa: BLE001 - the text may quote pinned inputs: only the type is told
            log.warning("predictor_failed", case_id=claim.case_id, error=type(error).__name__)
            return f"the predictor broke on the pinned inputs ({type(error).__name__})"

    def _from_images(self, claim: Claim, predictor: P, answer: Callable[[Claim, P], Answer]) -> Answer:
        try:
            return answer(claim, predictor)
        except OncoRelayError as error:
            # Something is gone, full, or out of reach: another attempt, or a person, can help.
            log.warning("images_failed", case_id=claim.case_id, error=type(error).__name__, place=place(error))
            return f"{_what(claim)} could not be measured: {error}"
        except Exception as error:  # noqa: BLE001 - the text may quote what stands in the images: only the type is told
            log.warning("images_failed", case_id=claim.case_id, error=type(error).__name__, place=place(error))
            return f"measuring {_what(claim)} broke ({type(error).__name__})"

    def _report(self, claim: Claim, answer: Answer, lease: Lease) -> Ending:
        for pause in self.pace.pauses():
            try:
                self._deliver(claim, answer)
            except PermanentError as error:
                kind = type(error).__name__
                log.info("answer_dropped", case_id=claim.case_id, attempt=claim.attempt, reason=kind)
                return Ending.DROPPED
            except TemporaryError:
                if lease.remaining_s() < pause + self.pace.lease_margin_s:
                    log.warning("report_given_up", case_id=claim.case_id, attempt=claim.attempt)
                    return Ending.GIVEN_UP
                self.pause(pause)
            else:
                log.info("case_answered", case_id=claim.case_id, attempt=claim.attempt, kind=type(answer).__name__)
                return Ending.ANSWERED
        raise AssertionError("pauses never end")

    def _deliver(self, claim: Claim, answer: Answer) -> None:
        """Report once; an answer that results cannot take is reported as a failure instead of vanishing."""
        request_id = f"{claim.case_id}:{claim.attempt}:answer"
        try:
            self.attempts.report_prediction(request_id, claim.case_id, claim.attempt, answer, claim.token)
        except StaleAttemptError:
            raise
        except PermanentError as error:
            kind = type(error).__name__
            log.warning("answer_refused", case_id=claim.case_id, attempt=claim.attempt, error=kind)
            text = f"results refused the answer ({kind})"
            refused = f"{request_id}:refused"
            self.attempts.report_prediction(refused, claim.case_id, claim.attempt, text, claim.token)


def _what(claim: Claim) -> str:
    """Return what is said not to be measurable."""
    return "the slide" if claim.pins.slide else "the images"
