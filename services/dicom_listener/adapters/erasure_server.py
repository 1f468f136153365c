"""ErasureService over gRPC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
import structlog

from services.dicom_listener.handlers.erasure import ErasePatient
from shared.domain.errors import InvalidInputError
from shared.domain.identity import PatientIdentity
from shared.rpc.access import actor_of
from shared.rpc.convert import from_message, to_message
from shared.rpc.gen.oncorelay.dicom_listener.v1 import erasure_service_pb2 as pb
from shared.rpc.gen.oncorelay.dicom_listener.v1 import erasure_service_pb2_grpc as pb_grpc

log = structlog.get_logger("oncorelay.dicom_listener")


@dataclass
class ErasureServicer(pb_grpc.ErasureServiceServicer):
    """Translates messages; decides nothing."""

    erase: ErasePatient

    def ErasePatient(self, request: pb.ErasePatientRequest, context: Any) -> pb.ErasePatientResponse:
        """Erase one patient; the log says who asked."""
        if not request.request_id:
            raise InvalidInputError("request_id", "is missing")
        if not request.HasField("identity"):
            raise InvalidInputError("identity", "who is to be erased?")
        if not request.reason:
            raise InvalidInputError("reason", "one sentence must say why")
        made = self.erase(request.request_id, from_message(request.identity, PatientIdentity))
        log.warning("images_erased", actor=actor_of(context, ""), erasure_id=made.erasure_id)
        return pb.ErasePatientResponse(erasure=to_message(made, pb.Erasure))

    def GetErasure(self, request: pb.GetErasureRequest, context: Any) -> pb.GetErasureResponse:
        """Say how far an erasure is."""
        return pb.GetErasureResponse(erasure=to_message(self.erase.one(request.erasure_id), pb.Erasure))

    def register(self, server: grpc.Server) -> None:
        """Add this service to a server."""
        pb_grpc.add_ErasureServiceServicer_to_server(self, server)
