"""What proves a claim at the door."""

from __future__ import annotations

from typing import Any

import pytest

from services.results.serve.adapters import grpc_server
from shared.rpc.gen.oncorelay.results.v1 import results_service_pb2 as pb


@pytest.mark.parametrize(
    ("sent", "caller", "asked"),
    [("", None, None), ("t", None, "t"), ("", "service", ""), ("t", "service", "t")],
)
def test_a_token_may_be_missing_only_where_the_connection_proves_nobody(
    monkeypatch: pytest.MonkeyPatch, sent: str, caller: Any, asked: str | None
) -> None:
    monkeypatch.setattr(grpc_server, "caller_of", lambda context: caller)
    context: Any = None

    assert grpc_server._token(pb.RenewLeaseRequest(token=sent), context) == asked
    assert grpc_server._token(pb.ReportPredictionRequest(token=sent), context) == asked
