"""Explain over gRPC."""

from __future__ import annotations

from typing import Any

import grpc

from services.inference.handlers.explain import Explain
from shared.domain.errors import InvalidInputError
from shared.rpc.convert import to_message
from shared.rpc.gen.oncorelay.inference.v1 import explain_service_pb2 as pb
from shared.rpc.gen.oncorelay.inference.v1 import explain_service_pb2_grpc as pb_grpc

MAX_VALUES = 64
"""A nomogram has a handful of inputs."""


class ExplainServicer(pb_grpc.ExplainServiceServicer):
    """Translates messages; decides nothing."""

    def __init__(self, explain: Explain) -> None:
        self._explain = explain

    def Explain(self, request: pb.ExplainRequest, context: Any) -> pb.ExplainResponse:
        """Answer one row of values."""
        if len(request.values) > MAX_VALUES:
            raise InvalidInputError("values", f"has more than {MAX_VALUES} entries")
        answer = self._explain(request.predictor, request.bundle_id, dict(request.values))
        return to_message(answer, pb.ExplainResponse)

    def register(self, server: grpc.Server) -> None:
        """Add this service to a server."""
        pb_grpc.add_ExplainServiceServicer_to_server(self, server)
