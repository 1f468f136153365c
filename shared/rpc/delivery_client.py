"""Typed client of the delivery machine's door, see ``proto/oncorelay/results/v1/delivery_service.proto``."""

from __future__ import annotations

from shared.domain.case import DeliveryState
from shared.domain.deliveries import Letter, SinkSummary
from shared.rpc.clients import ServiceClient, new_request_id
from shared.rpc.convert import from_message
from shared.rpc.gen.oncorelay.results.v1 import delivery_service_pb2 as pb
from shared.rpc.gen.oncorelay.results.v1 import results_service_pb2 as results
from shared.rpc.gen.oncorelay.results.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from shared.security.tls_files import TlsFiles


class DeliveryClient(ServiceClient):
    """Dead letters and sinks."""

    name = "results"

    def __init__(self, address: str, *, tls: TlsFiles | None = None, deadline_s: float = 10.0) -> None:
        super().__init__(address, tls=tls, deadline_s=deadline_s)
        self._stub = DeliveryServiceStub(self.channel)

    def list_deliveries(
        self, state: DeliveryState | None = None, *, sink: str = "", page_size: int = 100
    ) -> tuple[Letter, ...]:
        """Return deliveries, oldest first; dead letters only where a person should look."""
        request = pb.ListDeliveriesRequest(sink=sink, page_size=page_size)
        if state is not None:
            request.state = results.DeliveryState.Value(f"DELIVERY_STATE_{state.name}")
        return tuple(from_message(row, Letter) for row in self._call(self._stub.ListDeliveries, request).deliveries)

    def resend_delivery(self, delivery_id: str, actor: str, reason: str) -> str:
        """Make a dead letter due again; return its full id.

        Raises:
            ConflictError: If it is no dead letter, or a later result took its place.
        """
        request = pb.ResendDeliveryRequest(
            request_id=new_request_id(), delivery_id=delivery_id, actor=actor, reason=reason
        )
        return self._call(self._stub.ResendDelivery, request).delivery_id

    def redirect_delivery(self, delivery_id: str, to_sink: str, actor: str, reason: str) -> str:
        """Owe a dead letter to another sink; return the new delivery's id.

        Raises:
            InvalidInputError: If the site has no such sink, or it takes other objects.
            ConflictError: If it is no dead letter, superseded, unreviewed where that is asked for, or there already.
        """
        request = pb.RedirectDeliveryRequest(
            request_id=new_request_id(), delivery_id=delivery_id, to_sink=to_sink, actor=actor, reason=reason
        )
        return self._call(self._stub.RedirectDelivery, request).delivery_id

    def list_sinks(self) -> tuple[SinkSummary, ...]:
        """Return the sinks in the order of the site file, then those that are gone and still owed something."""
        answer = self._call(self._stub.ListSinks, pb.ListSinksRequest())
        return tuple(from_message(row, SinkSummary) for row in answer.sinks)
