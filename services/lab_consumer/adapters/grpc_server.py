"""GetFacts and ListRefusals over gRPC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from services.lab_consumer.handlers.questions import GetFacts, ListRefusals
from services.lab_consumer.ports.records import Refusal
from shared.domain.errors import InvalidInputError
from shared.domain.identity import PatientIdentity
from shared.rpc.convert import from_message, to_message
from shared.rpc.gen.oncorelay.lab_consumer.v1 import lab_consumer_service_pb2 as lab
from shared.rpc.gen.oncorelay.lab_consumer.v1 import lab_consumer_service_pb2_grpc as lab_grpc


class LabConsumerServicer(lab_grpc.LabConsumerServiceServicer):
    """Translates messages; decides nothing."""

    def __init__(self, get_facts: GetFacts, list_refusals: ListRefusals, now: Callable[[], datetime]) -> None:
        self._get_facts, self._list_refusals, self._now = get_facts, list_refusals, now

    def GetFacts(self, request: lab.GetFactsRequest, context: Any) -> lab.GetFactsResponse:
        """Answer what was known about a patient at a moment."""
        if not request.HasField("identity"):
            raise InvalidInputError("identity", "whose facts?")
        identity = from_message(request.identity, PatientIdentity)
        as_of = request.as_of_time.ToDatetime(UTC) if request.HasField("as_of_time") else self._now()
        return lab.GetFactsResponse(facts=to_message(self._get_facts(identity, as_of), lab.PatientFacts))

    def ListRefusals(self, request: lab.ListRefusalsRequest, context: Any) -> lab.ListRefusalsResponse:
        """Answer what was received and not accepted."""
        return lab.ListRefusalsResponse(refusals=[_message(row) for row in self._list_refusals(request.page_size)])

    def register(self, server: grpc.Server) -> None:
        """Add this service to a server."""
        lab_grpc.add_LabConsumerServiceServicer_to_server(self, server)


def _message(refusal: Refusal) -> lab.Refusal:
    time = Timestamp()
    time.FromDatetime(refusal.time)
    return lab.Refusal(source=refusal.source, element=refusal.element, reason=refusal.reason, time=time)
