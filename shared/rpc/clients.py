"""Typed clients of our services: domain values in and out, a deadline on every call, our errors raised.

They satisfy the ports that services write for themselves; a service imports them in its adapters only.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc

from shared.domain.case import CaseDetail, CaseSummary, Claim, InferenceState, Notice, ReviewState
from shared.domain.errors import InvalidInputError
from shared.domain.facts import PatientFacts
from shared.domain.identity import PatientIdentity
from shared.domain.images import RegionProposed
from shared.domain.prediction import NotAnalysed, Prediction
from shared.domain.slides import Point
from shared.domain.study import Study
from shared.rpc.convert import from_message, to_message
from shared.rpc.errors import raise_domain_error
from shared.rpc.gen.oncorelay.lab_consumer.v1 import lab_consumer_service_pb2 as lab
from shared.rpc.gen.oncorelay.lab_consumer.v1.lab_consumer_service_pb2_grpc import LabConsumerServiceStub
from shared.rpc.gen.oncorelay.results.v1 import results_service_pb2 as results
from shared.rpc.gen.oncorelay.results.v1.results_service_pb2_grpc import ResultsServiceStub
from shared.rpc.gen.oncorelay.types.v1 import types_pb2 as types
from shared.rpc.transport import client_channel
from shared.rpc.watching import TracingClient
from shared.security.tls_files import TlsFiles

R = TypeVar("R", bound=Message)


def new_request_id() -> str:
    """Return an identifier for a write that nobody will repeat."""
    return str(uuid.uuid4())


class ServiceClient:
    """Base of the clients: one channel, one deadline, one error table; the owner closes it."""

    name = ""

    def __init__(self, address: str, *, tls: TlsFiles | None = None, deadline_s: float = 10.0) -> None:
        # A peer that was down must be found again at once: no growing reconnect pauses beyond a second.
        options = [("grpc.max_reconnect_backoff_ms", 1000), ("grpc.initial_reconnect_backoff_ms", 100)]
        self.channel = grpc.intercept_channel(client_channel(address, self.name, tls, options), TracingClient())
        self._deadline_s = deadline_s

    def close(self) -> None:
        """Close the channel."""
        self.channel.close()

    def healthy(self) -> bool:
        """Tell whether the service answers SERVING within the deadline."""
        stub = health_pb2_grpc.HealthStub(self.channel)
        try:
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=self._deadline_s)
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def _call(self, method: Callable[..., R], request: Message) -> R:
        try:
            return method(request, timeout=self._deadline_s)
        except grpc.RpcError as error:
            raise_domain_error(error, self.name)


class ResultsClient(ServiceClient):
    """The ledger's door, see ``proto/oncorelay/results/v1``."""

    name = "results"

    def __init__(self, address: str, *, tls: TlsFiles | None = None, deadline_s: float = 10.0) -> None:
        super().__init__(address, tls=tls, deadline_s=deadline_s)
        self._stub = ResultsServiceStub(self.channel)

    def submit_case(self, request_id: str, study: Study) -> tuple[str, ...]:
        """Hand over a complete study; return the case ids (none: not applicable)."""
        request = results.SubmitCaseRequest(request_id=request_id, study=to_message(study, types.Study))
        return tuple(self._call(self._stub.SubmitCase, request).case_ids)

    def announce_facts(self, request_id: str, identity: PatientIdentity) -> int:
        """Say that facts changed; return how many cases are looked at again."""
        message = to_message(identity, types.PatientIdentity)
        request = results.AnnounceFactsRequest(request_id=request_id, identity=message)
        return self._call(self._stub.AnnounceFacts, request).case_count

    def report_notice(self, request_id: str, kind: str, text: str, case_id: str = "") -> str:
        """Record something a person must see; return its id."""
        request = results.ReportNoticeRequest(request_id=request_id, kind=kind, text=text, case_id=case_id)
        return self._call(self._stub.ReportNotice, request).notice_id

    def claim_attempt(self, request_id: str, case_id: str, revision: int, worker: str) -> Claim:
        """Ask for the right to answer.

        Raises:
            StaleAttemptError: If somebody else has it, or the order is of an older revision, or it is answered.
        """
        request = results.ClaimAttemptRequest(
            request_id=request_id, case_id=case_id, revision=revision, worker=worker, measures_images=True
        )
        return from_message(self._call(self._stub.ClaimAttempt, request).claim, Claim)

    def renew_lease(self, case_id: str, attempt: int, token: str = "") -> float:
        """Prolong the lease; return its seconds.

        Raises:
            StaleAttemptError: If the lease is lost.
        """
        request = results.RenewLeaseRequest(request_id=new_request_id(), case_id=case_id, attempt=attempt, token=token)
        return self._call(self._stub.RenewLease, request).lease_seconds

    def report_prediction(
        self, request_id: str, case_id: str, attempt: int, answer: Prediction | NotAnalysed | RegionProposed | str,
        token: str = "",
    ) -> str:  # fmt: skip
        """Report the answer, a coded refusal, a region that waits or a failure (text); return the finding id.

        Raises:
            StaleAttemptError: If the attempt is no longer current.
        """
        request = results.ReportPredictionRequest(request_id=request_id, case_id=case_id, attempt=attempt, token=token)
        if isinstance(answer, Prediction):
            request.prediction.CopyFrom(to_message(answer, types.Prediction))
        elif isinstance(answer, NotAnalysed):
            request.not_analysed.CopyFrom(to_message(answer, types.NotAnalysed))
        elif isinstance(answer, RegionProposed):
            request.region_proposed.CopyFrom(to_message(answer, types.RegionProposed))
        else:
            request.failure = answer
        return self._call(self._stub.ReportPrediction, request).finding_id

    def list_cases(
        self, *, study_instance_uid: str = "", page_size: int = 100, actor: str = ""
    ) -> tuple[CaseSummary, ...]:
        """Return cases, newest first; ``actor`` is the person who looks."""
        request = results.ListCasesRequest(page_size=page_size, study_instance_uid=study_instance_uid, actor=actor)
        return _all(self._call(self._stub.ListCases, request).cases, CaseSummary)

    def get_case(self, case_id: str, actor: str = "") -> CaseDetail:
        """Return everything about one case; ``actor`` is who looks.

        Raises:
            NotFoundError: If there is none of this id.
        """
        request = results.GetCaseRequest(case_id=case_id, actor=actor)
        return from_message(self._call(self._stub.GetCase, request).detail, CaseDetail)

    def list_notices(self, *, page_size: int = 100) -> tuple[Notice, ...]:
        """Return notices, newest first."""
        answer = self._call(self._stub.ListNotices, results.ListNoticesRequest(page_size=page_size))
        return _all(answer.notices, Notice)

    def retry_case(self, case_id: str, actor: str) -> tuple[bool, int]:
        """Try again; return whether the case was requeued and how many dead letters are due again."""
        request = results.RetryCaseRequest(request_id=new_request_id(), case_id=case_id, actor=actor)
        answer = self._call(self._stub.RetryCase, request)
        return answer.requeued, answer.resent_delivery_count

    def review_case(self, case_id: str, actor: str, verdict: ReviewState, reason: str) -> str:
        """Record a person's verdict; return the finding as reviewed.

        Raises:
            ConflictError: If nothing waits for review.
        """
        request = results.ReviewCaseRequest(
            request_id=new_request_id(), case_id=case_id, actor=actor, reason=reason,
            verdict=results.ReviewState.Value(f"REVIEW_STATE_{verdict.name}"),
        )  # fmt: skip
        return self._call(self._stub.ReviewCase, request).finding_id

    def confirm_region(
        self, case_id: str, actor: str, region: str, *, confirmed: bool, reason: str = ""
    ) -> InferenceState:
        """Record what a person says of the region with the digest ``region``; return the state of the case.

        Raises:
            ConflictError: If no region waits, or another one than this.
        """
        request = results.ConfirmRegionRequest(
            request_id=new_request_id(), case_id=case_id, actor=actor, digest=region, confirmed=confirmed, reason=reason
        )
        state = self._call(self._stub.ConfirmRegion, request).state
        return InferenceState(results.InferenceState.Name(state).removeprefix("INFERENCE_STATE_").lower())

    def exclude_region(
        self, case_id: str, actor: str, finding_id: str, outlines: Sequence[Sequence[Point]], *, reason: str
    ) -> InferenceState:
        """Leave regions of a slide out of the score (none: all count again); return the state of the case.

        Raises:
            ConflictError: If another finding speaks by now, or the case holds no slide that was scored.
            InvalidInputError: If an outline is none, or there is no reason.
        """
        request = results.ExcludeRegionRequest(
            request_id=new_request_id(), case_id=case_id, finding_id=finding_id, actor=actor, reason=reason,
            outlines=[
                results.Outline(points=[types.Point(x=one.x, y=one.y) for one in outline]) for outline in outlines
            ],
        )  # fmt: skip
        state = self._call(self._stub.ExcludeRegion, request).state
        return InferenceState(results.InferenceState.Name(state).removeprefix("INFERENCE_STATE_").lower())

    def withdraw_case(self, case_id: str, actor: str, reason: str) -> str:
        """Withdraw the current finding; return its id."""
        request = results.WithdrawCaseRequest(request_id=new_request_id(), case_id=case_id, actor=actor, reason=reason)
        return self._call(self._stub.WithdrawCase, request).finding_id


class LabConsumerClient(ServiceClient):
    """Facts, see ``proto/oncorelay/lab_consumer/v1``."""

    name = "lab_consumer"

    def __init__(self, address: str, *, tls: TlsFiles | None = None, deadline_s: float = 10.0) -> None:
        super().__init__(address, tls=tls, deadline_s=deadline_s)
        self._stub = LabConsumerServiceStub(self.channel)

    def get_facts(self, identity: PatientIdentity, as_of: datetime | None = None) -> PatientFacts:
        """Return what was known about the patient as of ``as_of`` (None: now, by its own clock)."""
        request = lab.GetFactsRequest(identity=to_message(identity, types.PatientIdentity))
        if as_of is not None:
            if as_of.tzinfo is None:
                raise InvalidInputError("as_of", "a time needs its zone")
            request.as_of_time.FromDatetime(as_of)
        return from_message(self._call(self._stub.GetFacts, request).facts, PatientFacts)

    def list_refusals(self, *, page_size: int = 100) -> tuple[dict[str, Any], ...]:
        """Return refusals, newest first, as plain mappings (source, element, reason, time)."""
        answer = self._call(self._stub.ListRefusals, lab.ListRefusalsRequest(page_size=page_size))
        return tuple(
            {"source": r.source, "element": r.element, "reason": r.reason, "time": r.time.ToJsonString()}
            for r in answer.refusals
        )


def _all(messages: Any, kind: type[Any]) -> tuple[Any, ...]:
    return tuple(from_message(message, kind) for message in messages)
