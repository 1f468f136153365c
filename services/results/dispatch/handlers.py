"""What dispatch does, each step a small callable: evaluate inputs, send orders, bring back what was lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from services.results.dispatch.ports import (
    Bundles,
    Calibrations,
    Cases,
    Deadlines,
    Facts,
    Leases,
    Outbox,
    Queue,
    Recalled,
)
from services.results.ledger.collecting import DueCase
from shared.domain.case import InferenceState, PinnedBundle, PinnedInstance, Pins
from shared.domain.errors import UnavailableError, place
from shared.domain.facts import PatientFacts
from shared.domain.identity import PatientIdentity
from shared.domain.images import ImagingPolicy
from shared.domain.prediction import BundleReference, NotAnalysed, NotAnalysedReason
from shared.domain.slides import PinnedSlide, SlidePolicy
from shared.domain.study import Instance, Study
from shared.observability import metrics, tracing
from shared.predictors.contract import ImagePredictor, Overtaken, PanelPredictor, Ready, Waiting
from shared.predictors.registry import AnyPredictor

log = structlog.get_logger("oncorelay.results.dispatch")

ASK_AGAIN = timedelta(seconds=1)
"""Pause after the lab consumer could not be reached."""

AFTER_TROUBLE = timedelta(seconds=60)
"""Pause after a case could not be evaluated at all."""

_UNLESS_STATED = ImagingPolicy()
_SLIDES_UNLESS_STATED = SlidePolicy()

_WHAT = {"panel": "the values of this draw", "slide": "the order and the file of this slide"}

_ANSWERED = frozenset({InferenceState.PREDICTED, InferenceState.NOT_ANALYSED})


@dataclass(frozen=True, slots=True)
class EvaluateCases:
    """Look at the inputs of every due case: pin, wait, refuse, or stop at an identity conflict."""

    cases: Cases
    facts: Facts
    bundles: Bundles
    recalled: Recalled
    predictors: Mapping[str, AnyPredictor]
    now: Callable[[], datetime]
    imaging: ImagingPolicy = _UNLESS_STATED
    """What the site decides about measuring images."""
    slides: SlidePolicy = _SLIDES_UNLESS_STATED
    """What the site decides about scoring slides."""
    calibrations: Calibrations | None = None
    """None: the site calibrates no scanner."""

    def __call__(self) -> int:
        """Evaluate what is due; return how many cases that was."""
        due = self.cases.due(self.now())
        for case in due:
            try:
                with tracing.span("case.evaluate", about=("case", case.case_id), case_id=case.case_id):
                    self._evaluate(case)
            except UnavailableError as error:
                log.warning("facts_unavailable", case_id=case.case_id, reason=str(error))
                self.cases.postpone(case, self.now() + ASK_AGAIN)
            except Exception as error:  # noqa: BLE001 - one case that cannot be evaluated must not stop the others
                kind = type(error).__name__
                log.error("evaluation_failed", case_id=case.case_id, error=kind, place=place(error))  # noqa: TRY400
                reason = f"the inputs of this case cannot be evaluated ({kind}); the log of results.dispatch says where"
                self.cases.trouble(case, reason, self.now() + AFTER_TROUBLE, self.now())
        return len(due)

    def _evaluate(self, case: DueCase) -> None:
        what = _WHAT.get(case.study.kind, "the images of this study")
        if case.study.conflicts:
            return self._conflict(case, f"{what} disagree about the patient ({', '.join(case.study.conflicts)})")
        if case.study.identity is None:
            return self._conflict(case, f"{what} carry no patient identifier of an issuer in the site's identity map")
        facts = self.facts.get_facts(case.study.identity)
        contradictions = case.study.demographics.contradictions(facts.demographics)
        if contradictions:
            return self._conflict(case, f"{what} and the record disagree about {' and '.join(contradictions)}")
        return self._assess(case, case.study.identity, facts)

    def _assess(self, case: DueCase, identity: PatientIdentity, facts: PatientFacts) -> None:
        readiness = _assessed(self.predictors[case.predictor], case.study, facts)
        if isinstance(readiness, NotAnalysed):
            self.cases.refuse(case, readiness, self.now())
        elif isinstance(readiness, Waiting):
            self._wait(case, readiness)
        elif isinstance(readiness, Overtaken):
            self.cases.overtake(case, readiness.refusal, readiness.inputs, self.now())
        else:
            self._pin(case, identity, facts, readiness)

    def _wait(self, case: DueCase, waiting: Waiting) -> None:
        now = self.now()
        # What was answered rests on something that is gone: it stops being current now, not when patience ends.
        if case.state in _ANSWERED or (case.state is InferenceState.COLLECTING and now >= case.collect_until):
            self.cases.refuse(case, waiting.refusal, now)
        else:
            self.cases.wait(case, waiting.missing, now)

    def _pin(self, case: DueCase, identity: PatientIdentity, facts: PatientFacts, ready: Ready) -> None:
        found, recalled = self._bundles(case.predictor, (ready.variant, *ready.others))
        if not found:
            text = recalled[0] if recalled else _nothing_installed(case.predictor, ready)
            self.cases.refuse(case, NotAnalysed(case.predictor, NotAnalysedReason.NO_BUNDLE, text), self.now())
            return
        first, bundle = found[0], found[0].bundle
        slide, uncalibrated = self._slide(case.study, bundle)
        pins = Pins(
            identity, case.study.study_instance_uid, case.study.study_date, ready.side, first.variant, bundle.bundle_id,
            bundle.digest, ready.inputs, ready.facts, tuple(_pinned(i) for i in case.study.instances), facts.as_of,
            (*ready.notes, *recalled, *uncalibrated), bundle.intended_use,
            facts.demographics if case.study.panel else None, bundle.version, found[1:],
            self._policy(case.predictor, found), slide=slide,
        )  # fmt: skip
        self.cases.pin(case, pins, self.now())

    def _slide(self, study: Study, bundle: BundleReference) -> tuple[PinnedSlide | None, tuple[str, ...]]:
        """Return what is pinned of a slide, and why no calibration is."""
        if study.slide is None:
            return None, ()
        if self.calibrations is None:
            return PinnedSlide(study.slide, self.slides), ()
        chosen, why = self.calibrations.choose(bundle, study.slide.scanner)
        return PinnedSlide(study.slide, self.slides, chosen), why

    def _bundles(self, predictor: str, variants: tuple[str, ...]) -> tuple[tuple[PinnedBundle, ...], tuple[str, ...]]:
        """Return the bundles that may answer, richest variant first, and why others do not.

        A model for demonstration speaks neither before nor beside one for clinical use: the software ships the former.
        """
        found: list[PinnedBundle] = []
        recalled: list[str] = []
        for variant in variants:
            bundle = self.bundles.for_variant(predictor, variant)
            why = self.recalled.why_not(bundle) if bundle else ""
            if why:
                recalled.append(why)
            elif bundle:
                found.append(PinnedBundle(variant, bundle))
        strongest = max((one.bundle.intended_use.rank for one in found), default=0)
        kept = tuple(one for one in found if one.bundle.intended_use.rank == strongest)
        return kept, (*recalled, *(_stands_back(one, kept[0]) for one in found if one not in kept))

    def _policy(self, predictor: str, found: tuple[PinnedBundle, ...]) -> ImagingPolicy | None:
        """Return the site's part, where it has one: a model that measures nothing is asked as it always was."""
        asked = self.predictors[predictor]
        if not isinstance(asked, ImagePredictor):
            return None
        measures = any(one.variant in asked.image_variants for one in found)
        return self.imaging if measures or self.imaging.classifier != _UNLESS_STATED.classifier else None

    def _conflict(self, case: DueCase, reason: str) -> None:
        log.warning("identity_conflict", case_id=case.case_id)
        self.cases.conflict(case, reason, self.now())


@dataclass(frozen=True, slots=True)
class SendOrders:
    """Move orders from the ledger to Celery; what cannot be sent stays due."""

    outbox: Outbox
    queue: Queue
    now: Callable[[], datetime]

    def __call__(self) -> int:
        """Send what is due; return how many orders that was.

        Raises:
            UnavailableError: If Redis cannot be reached; nothing is lost.
        """
        orders = self.outbox.due(self.now())
        for order in orders:
            with tracing.span("case.order", about=("case", order.case_id), case_id=order.case_id):
                self.queue.send(order.case_id, order.revision)
            self.outbox.sent(order, self.now())
            metrics.ORDERS_SENT.add()
        return len(orders)


@dataclass(frozen=True, slots=True)
class Reconcile:
    """Bring back what a dead worker or an emptied Redis has lost, and tell people what is overdue."""

    leases: Leases
    deadlines: Deadlines
    outbox: Outbox
    queue: Queue
    now: Callable[[], datetime]
    settle: timedelta = timedelta(seconds=2)
    """An order this young may still be on its way into the queue."""

    def __call__(self) -> None:
        """Check leases, deadlines and the queue once.

        Raises:
            UnavailableError: If Redis cannot be reached, after leases and deadlines were checked.
        """
        expired, overdue = self.leases.expire(self.now()), self.deadlines.tell(self.now())
        metrics.LEASES_LOST.add(expired)
        metrics.OVERDUE.add(overdue)
        lost = 0
        if self.outbox.waiting() and self.queue.waiting() == 0:
            lost = self.outbox.lost(self.now() - self.settle, self.now())
        if expired or overdue or lost:
            log.info("reconciled", expired=expired, overdue=overdue, lost=lost)


def _assessed(predictor: AnyPredictor, study: Study, facts: PatientFacts) -> Ready | Waiting | Overtaken | NotAnalysed:
    if isinstance(predictor, PanelPredictor):
        return predictor.assess_panel(study, facts)
    return predictor.assess(study, facts)


def _nothing_installed(predictor: str, ready: Ready) -> str:
    variants = ", ".join((ready.variant, *ready.others))
    return f"no verified bundle is installed for {predictor}, variant {variants}"


def _stands_back(one: PinnedBundle, before: PinnedBundle) -> str:
    used, stronger = one.bundle.intended_use, before.bundle.intended_use
    return f"{one.variant}: {one.bundle.bundle_id} is for {used} use only and stands back behind one for {stronger} use"


def _pinned(instance: Instance) -> PinnedInstance:
    return PinnedInstance(
        instance.sop_instance_uid, instance.sop_class_uid, instance.series_instance_uid, instance.content_digest,
        instance.identity_digest, instance.blob_uri,
    )  # fmt: skip
