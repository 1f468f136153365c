"""The one table between our errors and gRPC status, and the two ends that use it.

What survives the trip: the class (by ErrorInfo.reason) and the sentence. What does not: attributes and tracebacks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import grpc
import structlog
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from shared.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    OncoRelayError,
    OutOfResourcesError,
    PermanentError,
    StaleAttemptError,
    TemporaryError,
    UnauthenticatedError,
    UnavailableError,
    place,
)

log = structlog.get_logger("oncorelay.rpc")

# Most specific class first; the first match wins.
STATUS_OF: tuple[tuple[type[OncoRelayError], grpc.StatusCode, int], ...] = (
    (InvalidInputError, grpc.StatusCode.INVALID_ARGUMENT, code_pb2.INVALID_ARGUMENT),
    (NotFoundError, grpc.StatusCode.NOT_FOUND, code_pb2.NOT_FOUND),
    (StaleAttemptError, grpc.StatusCode.FAILED_PRECONDITION, code_pb2.FAILED_PRECONDITION),
    (ConflictError, grpc.StatusCode.ALREADY_EXISTS, code_pb2.ALREADY_EXISTS),
    (UnauthenticatedError, grpc.StatusCode.UNAUTHENTICATED, code_pb2.UNAUTHENTICATED),
    (ForbiddenError, grpc.StatusCode.PERMISSION_DENIED, code_pb2.PERMISSION_DENIED),
    (OutOfResourcesError, grpc.StatusCode.RESOURCE_EXHAUSTED, code_pb2.RESOURCE_EXHAUSTED),
    (UnavailableError, grpc.StatusCode.UNAVAILABLE, code_pb2.UNAVAILABLE),
    (TemporaryError, grpc.StatusCode.UNAVAILABLE, code_pb2.UNAVAILABLE),
    (PermanentError, grpc.StatusCode.FAILED_PRECONDITION, code_pb2.FAILED_PRECONDITION),
)

# Transport-level statuses that a retry may cure.
_TEMPORARY = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.ABORTED,
}


def to_status(error: OncoRelayError) -> status_pb2.Status:
    """Return the rich status of ``error``: canonical code, sentence, machine-readable reason."""
    code = next(number for kind, _, number in STATUS_OF if isinstance(error, kind))
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason=type(error).__name__, domain="oncorelay"))
    return status_pb2.Status(code=code, message=str(error), details=[detail])


class ErrorInterceptor(grpc.ServerInterceptor):
    """Turn our errors into statuses, so that no servicer needs a ``try``."""

    def intercept_service(self, continuation: Callable[[Any], Any], handler_call_details: Any) -> Any:
        """Wrap the unary handler of this call."""
        handler = continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        return grpc.unary_unary_rpc_method_handler(
            _guarded(handler.unary_unary, handler_call_details.method),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )


def _guarded(behavior: Callable[[Any, Any], Any], method: str) -> Callable[[Any, Any], Any]:
    def call(request: Any, context: Any) -> Any:
        try:
            return behavior(request, context)
        except OncoRelayError as error:
            context.abort_with_status(rpc_status.to_status(to_status(error)))
        except Exception as error:  # noqa: BLE001 - the outermost frame of a call
            log.error("rpc_failed", method=method, error=type(error).__name__, place=place(error))  # noqa: TRY400
            context.abort(grpc.StatusCode.INTERNAL, "internal error; see the service's log")

    return call


def raise_domain_error(error: grpc.RpcError, service: str) -> NoReturn:
    """Raise the domain error a failed call stands for.

    Raises:
        OncoRelayError: Always; temporary ones where a retry may help.
    """
    code = error.code()
    text = str(error.details() or "")
    reason = _reason(error)
    if reason == "StaleAttemptError":
        raise StaleAttemptError(text, 0) from error
    if code in _TEMPORARY:
        raise UnavailableError(f"{service}: {text or code.name}") from error
    for kind, status, _ in STATUS_OF:
        if status == code:
            raise _rebuild(kind, text, service) from error
    raise PermanentError(f"{service}: {code.name} {text}") from error


def _rebuild(kind: type[OncoRelayError], text: str, service: str) -> OncoRelayError:
    if kind is InvalidInputError:
        element, _, sentence = text.partition(": ")
        return InvalidInputError(element, sentence)
    if kind is NotFoundError:
        parts = text.removeprefix("no ").rsplit(" ", 1)
        return NotFoundError(parts[0], parts[-1])
    if kind is StaleAttemptError:
        return PermanentError(f"{service}: {text}")
    return kind(text)


def _reason(error: grpc.RpcError) -> str:
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return str(info.reason)
    return ""
