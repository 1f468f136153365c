"""The delivery machine's door for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import grpc

from services.results.ledger.ledger import Ledger
from services.results.serve.adapters.asking import step_of, viewer_of
from shared.domain.case import DeliveryState
from shared.rpc.convert import to_message
from shared.rpc.gen.oncorelay.results.v1 import delivery_service_pb2 as pb
from shared.rpc.gen.oncorelay.results.v1 import results_service_pb2 as results
from shared.rpc.gen.oncorelay.results.v1.delivery_service_pb2_grpc import (
    DeliveryServiceServicer,
    add_DeliveryServiceServicer_to_server,
)

Context = grpc.ServicerContext


@dataclass
class DeliveryServicer(DeliveryServiceServicer):
    """Dead letters and sinks."""

    ledger: Ledger
    now: Callable[[], datetime]

    def ListDeliveries(self, request: pb.ListDeliveriesRequest, context: Context) -> pb.ListDeliveriesResponse:
        """List deliveries."""
        found = self.ledger.letters.listed(_state(request), request.sink, request.page_size)
        if viewer := viewer_of(context):
            seen = tuple(dict.fromkeys(row.case_id for row in found))
            self.ledger.trail.viewed("view.deliveries", viewer, self.now(), seen)
        return pb.ListDeliveriesResponse(deliveries=[to_message(row, pb.Letter) for row in found])

    def ResendDelivery(self, request: pb.ResendDeliveryRequest, context: Context) -> pb.ResendDeliveryResponse:
        """Send again."""
        step = step_of(request, context, self.now())
        made = self.ledger.letters.resend(request.request_id, request.delivery_id, step)
        return pb.ResendDeliveryResponse(delivery_id=made)

    def RedirectDelivery(self, request: pb.RedirectDeliveryRequest, context: Context) -> pb.RedirectDeliveryResponse:
        """Send elsewhere."""
        step = step_of(request, context, self.now())
        made = self.ledger.letters.redirect(request.request_id, request.delivery_id, request.to_sink, step)
        return pb.RedirectDeliveryResponse(delivery_id=made)

    def ListSinks(self, request: pb.ListSinksRequest, context: Context) -> pb.ListSinksResponse:
        """List sinks."""
        return pb.ListSinksResponse(sinks=[to_message(row, pb.SinkSummary) for row in self.ledger.sinks.listed()])


def delivery_registration(ledger: Ledger, now: Callable[[], datetime]) -> Callable[[grpc.Server], None]:
    """Return what puts the service on a gRPC server."""
    return lambda server: add_DeliveryServiceServicer_to_server(DeliveryServicer(ledger, now), server)


def _state(request: pb.ListDeliveriesRequest) -> DeliveryState | None:
    if request.state == results.DELIVERY_STATE_UNSPECIFIED:
        return None
    return DeliveryState(results.DeliveryState.Name(request.state).removeprefix("DELIVERY_STATE_").lower())
