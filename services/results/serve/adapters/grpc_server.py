"""ResultsService over the ledger: translate, call, translate back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import grpc

from services.results.ledger.attempts import Brought
from services.results.ledger.cases import Step
from services.results.ledger.ledger import Ledger
from services.results.serve.adapters.asking import step_of, viewer_of
from services.results.serve.handlers import SubmitCase
from shared.domain.case import ReviewState
from shared.domain.errors import InvalidInputError
from shared.domain.identity import PatientIdentity
from shared.domain.images import RegionProposed
from shared.domain.prediction import NotAnalysed, Prediction
from shared.domain.slides import Point
from shared.domain.study import Study
from shared.observability import tracing
from shared.rpc.access import actor_of, caller_of
from shared.rpc.convert import from_message, to_message
from shared.rpc.gen.oncorelay.results.v1 import results_service_pb2 as pb
from shared.rpc.gen.oncorelay.results.v1.results_service_pb2_grpc import (
    ResultsServiceServicer,
    add_ResultsServiceServicer_to_server,
)

Context = grpc.ServicerContext


@dataclass
class ResultsServicer(ResultsServiceServicer):
    """The ledger's only door."""

    ledger: Ledger
    submit_case: SubmitCase
    now: Callable[[], datetime]

    def SubmitCase(self, request: pb.SubmitCaseRequest, context: Context) -> pb.SubmitCaseResponse:
        """Take a complete study."""
        answer = self.submit_case(request.request_id, from_message(request.study, Study))
        for case_id in answer.case_ids:
            tracing.origin("case", case_id, "case", case_id=case_id)
        return pb.SubmitCaseResponse(case_ids=answer.case_ids, not_applicable_reason=answer.not_applicable_reason)

    def AnnounceFacts(self, request: pb.AnnounceFactsRequest, context: Context) -> pb.AnnounceFactsResponse:
        """Look again at a patient's cases."""
        identity = from_message(request.identity, PatientIdentity)
        count = self.ledger.intake.announce(request.request_id, identity, self.now())
        self._trace_announcement(identity)
        return pb.AnnounceFactsResponse(case_count=count)

    def ReportNotice(self, request: pb.ReportNoticeRequest, context: Context) -> pb.ReportNoticeResponse:
        """Tell a person."""
        made = self.ledger.intake.notice(request.request_id, request.kind, request.text, request.case_id, self.now())
        return pb.ReportNoticeResponse(notice_id=made)

    def ClaimAttempt(self, request: pb.ClaimAttemptRequest, context: Context) -> pb.ClaimAttemptResponse:
        """Give a worker the right to answer."""
        claim = self.ledger.attempts.claim(
            request.request_id, request.case_id, request.revision, request.worker, self.now(),
            images=request.measures_images,
        )  # fmt: skip
        return pb.ClaimAttemptResponse(claim=to_message(claim, pb.Claim))

    def RenewLease(self, request: pb.RenewLeaseRequest, context: Context) -> pb.RenewLeaseResponse:
        """Prolong that right."""
        seconds = self.ledger.attempts.renew(request.case_id, request.attempt, self.now(), _token(request, context))
        return pb.RenewLeaseResponse(lease_seconds=seconds)

    def ReportPrediction(self, request: pb.ReportPredictionRequest, context: Context) -> pb.ReportPredictionResponse:
        """Take the answer."""
        made = self.ledger.attempts.answer(
            request.request_id, request.case_id, request.attempt, _answer(request), self.now(),
            _token(request, context),
        )  # fmt: skip
        return pb.ReportPredictionResponse(finding_id=made)

    def ListCases(self, request: pb.ListCasesRequest, context: Context) -> pb.ListCasesResponse:
        """List cases."""
        found = self.ledger.queries.cases(self.now(), request.page_size, request.study_instance_uid)
        if viewer := viewer_of(context, request.actor):
            self.ledger.trail.viewed("view.list", viewer, self.now(), tuple(case.case_id for case in found))
        return pb.ListCasesResponse(cases=[to_message(case, pb.CaseSummary) for case in found])

    def GetCase(self, request: pb.GetCaseRequest, context: Context) -> pb.GetCaseResponse:
        """Show one case."""
        detail = self.ledger.queries.case(request.case_id, self.now())
        self.ledger.trail.viewed("view.case", actor_of(context, request.actor), self.now(), (detail.case.case_id,))
        return pb.GetCaseResponse(detail=to_message(detail, pb.CaseDetail))

    def ListNotices(self, request: pb.ListNoticesRequest, context: Context) -> pb.ListNoticesResponse:
        """List what people must see."""
        found = self.ledger.queries.notices(request.page_size)
        if viewer := viewer_of(context):
            seen = tuple(dict.fromkeys(notice.case_id for notice in found if notice.case_id))
            self.ledger.trail.viewed("view.notices", viewer, self.now(), seen)
        return pb.ListNoticesResponse(notices=[to_message(notice, pb.Notice) for notice in found])

    def RetryCase(self, request: pb.RetryCaseRequest, context: Context) -> pb.RetryCaseResponse:
        """Try again."""
        actor = actor_of(context, request.actor)
        requeued, letters = self.ledger.people.retry(request.request_id, request.case_id, actor, self.now())
        return pb.RetryCaseResponse(requeued=requeued, resent_delivery_count=letters)

    def ReviewCase(self, request: pb.ReviewCaseRequest, context: Context) -> pb.ReviewCaseResponse:
        """Record a verdict."""
        step = Step(actor_of(context, request.actor), self.now(), request.reason or "reviewed")
        made = self.ledger.people.review(request.request_id, request.case_id, _verdict(request), step)
        return pb.ReviewCaseResponse(finding_id=made)

    def ConfirmRegion(self, request: pb.ConfirmRegionRequest, context: Context) -> pb.ConfirmRegionResponse:
        """Record what a person says of an automatic region."""
        step = Step(actor_of(context, request.actor), self.now(), request.reason)
        state = self.ledger.proposals.confirm(
            request.request_id, request.case_id, request.digest, confirmed=request.confirmed, step=step
        )
        return pb.ConfirmRegionResponse(state=pb.InferenceState.Value(f"INFERENCE_STATE_{state.name}"))

    def ExcludeRegion(self, request: pb.ExcludeRegionRequest, context: Context) -> pb.ExcludeRegionResponse:
        """Leave a region of a slide out of the score."""
        step = step_of(request, context, self.now())
        outlines = tuple(tuple(Point(one.x, one.y) for one in outline.points) for outline in request.outlines)
        state = self.ledger.exclusions.exclude(request.request_id, request.case_id, request.finding_id, outlines, step)
        return pb.ExcludeRegionResponse(state=pb.InferenceState.Value(f"INFERENCE_STATE_{state.name}"))

    def WithdrawCase(self, request: pb.WithdrawCaseRequest, context: Context) -> pb.WithdrawCaseResponse:
        """Take back what was said."""
        step = step_of(request, context, self.now())
        made = self.ledger.people.withdraw(request.request_id, request.case_id, step)
        return pb.WithdrawCaseResponse(finding_id=made)

    def _trace_announcement(self, identity: PatientIdentity) -> None:
        """In the trace of every case that is looked at again, name the announcement."""
        here = tracing.traceparent()
        for case_id in self.ledger.queries.open_cases(identity) if here else ():
            with tracing.span("case.facts_announced", about=("case", case_id), links=[here], case_id=case_id):
                pass


def registration(ledger: Ledger, submit: SubmitCase, now: Callable[[], datetime]) -> Callable[[grpc.Server], None]:
    """Return what puts the service on a gRPC server."""
    return lambda server: add_ResultsServiceServicer_to_server(ResultsServicer(ledger, submit, now), server)


def _token(request: pb.RenewLeaseRequest | pb.ReportPredictionRequest, context: Context) -> str | None:
    """Return what proves the claim; None: a worker of the previous version, which speaks plain gRPC only, has none."""
    return None if not request.token and caller_of(context) is None else request.token


def _answer(request: pb.ReportPredictionRequest) -> Brought:
    kind = request.WhichOneof("answer")
    if kind == "prediction":
        return from_message(request.prediction, Prediction)
    if kind == "not_analysed":
        return from_message(request.not_analysed, NotAnalysed)
    if kind == "region_proposed":
        return from_message(request.region_proposed, RegionProposed)
    if kind == "failure":
        return request.failure or "no reason given"
    raise InvalidInputError("answer", "a prediction, a refusal or a failure is required")


def _verdict(request: pb.ReviewCaseRequest) -> ReviewState:
    name = pb.ReviewState.Name(request.verdict).removeprefix("REVIEW_STATE_").lower()
    if name not in {ReviewState.ACCEPTED, ReviewState.REJECTED, ReviewState.OVERRIDDEN}:
        raise InvalidInputError("verdict", "accepted, rejected or overridden")
    return ReviewState(name)
