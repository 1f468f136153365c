"""ErasureService over gRPC."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
import structlog

from services.slide_ingestion.adapters.erasure import Erased
from shared.domain.errors import InvalidInputError
from shared.domain.identity import PatientIdentity
from shared.rpc.access import actor_of
from shared.rpc.convert import from_message
from shared.rpc.gen.oncorelay.slide_ingestion.v1 import erasure_service_pb2 as pb
from shared.rpc.gen.oncorelay.slide_ingestion.v1 import erasure_service_pb2_grpc as pb_grpc

log = structlog.get_logger("oncorelay.slide_ingestion")


@dataclass
class ErasureServicer(pb_grpc.ErasureServiceServicer):
    """Translates messages; decides nothing."""

    erase: Callable[[PatientIdentity], Erased]

    def ErasePatient(self, request: pb.ErasePatientRequest, context: Any) -> pb.ErasePatientResponse:
        """Erase one patient; the log says who asked (the ledger has a row of its own for its part)."""
        if not request.HasField("identity"):
            raise InvalidInputError("identity", "who is to be erased?")
        erased = self.erase(from_message(request.identity, PatientIdentity))
        log.warning("slides_erased", actor=actor_of(context, ""), slides=erased.slides, orders=erased.orders)
        return pb.ErasePatientResponse(
            slide_count=erased.slides, order_count=erased.orders, file_count=erased.files,
            left_file_count=erased.left_files,
        )  # fmt: skip

    def register(self, server: grpc.Server) -> None:
        """Add this service to a server."""
        pb_grpc.add_ErasureServiceServicer_to_server(self, server)
