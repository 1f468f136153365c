"""Typed client of the what-if door, see ``proto/oncorelay/inference/v1/explain_service.proto``."""

from __future__ import annotations

from collections.abc import Mapping

from shared.domain.what_if import WhatIf
from shared.rpc.clients import ServiceClient
from shared.rpc.convert import from_message
from shared.rpc.gen.oncorelay.inference.v1 import explain_service_pb2 as pb
from shared.rpc.gen.oncorelay.inference.v1.explain_service_pb2_grpc import ExplainServiceStub
from shared.security.tls_files import TlsFiles


class ExplainClient(ServiceClient):
    """What a nomogram would say."""

    name = "inference"

    def __init__(self, address: str, *, tls: TlsFiles | None = None, deadline_s: float = 10.0) -> None:
        super().__init__(address, tls=tls, deadline_s=deadline_s)
        self._stub = ExplainServiceStub(self.channel)

    def explain(self, predictor: str, values: Mapping[str, str], bundle_id: str = "") -> WhatIf:
        """Return points, total and risks for one row of values, or why some do not enter the model.

        Raises:
            NotFoundError: If no such bundle is installed there.
            InvalidInputError: If the predictor has no nomogram.
        """
        request = pb.ExplainRequest(predictor=predictor, bundle_id=bundle_id, values=dict(values))
        return from_message(self._call(self._stub.Explain, request), WhatIf)
