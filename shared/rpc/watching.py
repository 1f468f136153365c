"""What is measured and traced of every gRPC call: W3C traceparent in the metadata, duration by method and code."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import grpc

from shared.observability import metrics, tracing

_HEALTH = "/grpc.health."


class WatchingServer(grpc.ServerInterceptor):
    """Time every served call, and continue the caller's trace."""

    def intercept_service(self, continuation: Callable[[Any], Any], handler_call_details: Any) -> Any:
        """Wrap the unary handler of this call; probes of the health service are not counted."""
        handler = continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or handler.unary_unary is None or method.startswith(_HEALTH):
            return handler
        # A method that has a handler is one of ours: the set stays closed.
        metrics.METHOD.allow([_short(method)])
        return grpc.unary_unary_rpc_method_handler(
            _watched(handler.unary_unary, _short(method), _parent(handler_call_details)),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )


class TracingClient(grpc.UnaryUnaryClientInterceptor):
    """Send the current span along."""

    def intercept_unary_unary(
        self, continuation: Callable[[Any, Any], Any], client_call_details: Any, request: Any
    ) -> Any:
        """Add ``traceparent`` to the metadata, where there is a span."""
        headers = tracing.outgoing()
        if not headers:
            return continuation(client_call_details, request)
        metadata = [*(client_call_details.metadata or ()), *headers.items()]
        return continuation(client_call_details._replace(metadata=metadata), request)


def _watched(behavior: Callable[[Any, Any], Any], method: str, parent: str) -> Callable[[Any, Any], Any]:
    def call(request: Any, context: Any) -> Any:
        begin = time.perf_counter()
        try:
            with tracing.span(f"rpc {method}", parent=parent):
                return behavior(request, context)
        finally:
            code = context.code()
            name = code.name if isinstance(code, grpc.StatusCode) else _NAMES.get(code, "OK")
            metrics.RPC_SECONDS.observe(time.perf_counter() - begin, method=method, code=name)

    return call


_NAMES = {code.value[0]: code.name for code in grpc.StatusCode}


def _short(method: str) -> str:
    return method.rsplit("/", 1)[-1]


def _parent(details: Any) -> str:
    return next((str(value) for key, value in details.invocation_metadata or () if key == tracing.TRACEPARENT), "")
