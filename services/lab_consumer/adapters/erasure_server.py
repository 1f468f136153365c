"""ErasureService over gRPC."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
import structlog

from shared.domain.errors import InvalidInputError
from shared.domain.identity import PatientIdentity
from shared.rpc.access import actor_of
from shared.rpc.convert import from_message
from shared.rpc.gen.oncorelay.lab_consumer.v1 import erasure_service_pb2 as lab
from shared.rpc.gen.oncorelay.lab_consumer.v1 import erasure_service_pb2_grpc as lab_grpc

log = structlog.get_logger("oncorelay.lab_consumer")


@dataclass
class ErasureServicer(lab_grpc.ErasureServiceServicer):
    """Translates messages; decides nothing."""

    erase: Callable[[PatientIdentity], tuple[int, int]]

    def ErasePatient(self, request: lab.ErasePatientRequest, context: Any) -> lab.ErasePatientResponse:
        """Erase one patient; the log says who asked (the ledger has a row of its own for its part)."""
        if not request.HasField("identity"):
            raise InvalidInputError("identity", "who is to be erased?")
        resources, statements = self.erase(from_message(request.identity, PatientIdentity))
        log.warning("facts_erased", actor=actor_of(context, ""), resources=resources, statements=statements)
        return lab.ErasePatientResponse(resource_count=resources, statement_count=statements)

    def register(self, server: grpc.Server) -> None:
        """Add this service to a server."""
        lab_grpc.add_ErasureServiceServicer_to_server(self, server)
