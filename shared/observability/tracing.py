"""OpenTelemetry traces of the path; off unless a collector is configured.

Within one process, and over gRPC and Celery, a span's parent travels as W3C ``traceparent``. Where a database lies
between, nothing is carried: everything about one case belongs to a trace whose ids are derived from the case id, and
the span that opened the case is linked to the request that asked for it. Whoever knows the case id knows its trace.

Attributes are identifiers of cases, states and counts. Never: UIDs, identifiers of people, texts of exceptions.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext, Tracer

TRACEPARENT = "traceparent"
"""Name of the gRPC metadata key and of the Celery header (W3C Trace Context)."""
_ENDPOINT_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_SEND_EVERY_MS = 500
_STOP_MS = 3000


class _State:
    """What ``configure`` made in this process; nothing before."""

    tracer: Tracer | None = None
    provider: Any = None
    ids: Any = None


def configure(service: str, endpoint: str = "") -> None:
    """Send spans by OTLP over HTTP to ``endpoint`` (base URL), or to where ``OTEL_*`` says; where neither is, nowhere.

    Call it after a fork, not before: the sender is a thread.
    """
    if not endpoint and not any(os.environ.get(name) for name in _ENDPOINT_VARIABLES):
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from shared.observability.trace_ids import ChosenIds

    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces" if endpoint else None)
    _State.ids = ChosenIds()
    resource = Resource.create({"service.name": f"oncorelay.{service}"})
    provider = TracerProvider(resource=resource, id_generator=_State.ids, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_SEND_EVERY_MS))
    _State.provider, _State.tracer = provider, provider.get_tracer("oncorelay")


def stop() -> None:
    """Send what is left, within a few seconds."""
    if _State.provider is not None:
        provider, _State.provider, _State.tracer = _State.provider, None, None
        thread = threading.Thread(target=provider.shutdown, name="tracing-stop", daemon=True)
        thread.start()
        thread.join(_STOP_MS / 1000)


def enabled() -> bool:
    """Tell whether spans are sent."""
    return _State.tracer is not None


@contextmanager
def span(
    name: str,
    *,
    about: tuple[str, str] | None = None,
    parent: str = "",
    links: Iterable[str] = (),
    **attributes: str | int,
) -> Iterator[None]:
    """Time a block. Its parent: ``parent`` (a traceparent), else the origin of ``about``, else the current span."""
    if _State.tracer is None:
        yield
        return
    from opentelemetry import trace

    context = _context(parent, about)
    linked = [trace.Link(one) for one in map(_span_context, links) if one is not None]
    # An exception's text may quote what it choked on: its type is recorded, by hand.
    with _State.tracer.start_as_current_span(
        name, context, attributes=attributes, links=linked, record_exception=False, set_status_on_exception=False
    ) as one:
        try:
            yield
        except BaseException as error:
            one.set_status(trace.StatusCode.ERROR)
            one.set_attribute("error.type", type(error).__name__)
            raise


def origin(kind: str, identifier: str, name: str, links: Iterable[str] = (), **attributes: str | int) -> None:
    """Record the span everything about ``(kind, identifier)`` hangs below; it links to the current span and others."""
    if _State.tracer is None:
        return
    from opentelemetry import context, trace

    linked = [trace.Link(one) for one in map(_span_context, (traceparent(), *links)) if one is not None]
    with _State.ids.chosen(_ids(kind, identifier)):
        _State.tracer.start_span(name, context.Context(), attributes=attributes, links=linked).end()


@dataclass(frozen=True, slots=True)
class Pending:
    """A span that ends on another thread than it began; without a collector it is nothing."""

    traceparent: str = ""
    end: Callable[[], None] = lambda: None


def begin(name: str) -> Pending:
    """Begin a span of its own trace; the caller ends it."""
    if _State.tracer is None:
        return Pending()
    from opentelemetry import context

    one = _State.tracer.start_span(name, context.Context())
    return Pending(_text(one.get_span_context()), one.end)


def traceparent() -> str:
    """Return the current span as W3C traceparent; empty where there is none."""
    if _State.tracer is None:
        return ""
    from opentelemetry import trace

    now = trace.get_current_span().get_span_context()
    return _text(now) if now.is_valid else ""


def outgoing() -> Mapping[str, str]:
    """Return the headers to send along; empty where there is nothing to say."""
    value = traceparent()
    return {TRACEPARENT: value} if value else {}


def _text(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def _context(parent: str, about: tuple[str, str] | None) -> Any:
    from opentelemetry import trace

    above = _span_context(parent)
    if above is None and about is not None:
        above = _remote(*_ids(*about))
    return None if above is None else trace.set_span_in_context(trace.NonRecordingSpan(above))


def _ids(kind: str, identifier: str) -> tuple[int, int]:
    """Return trace id and span id of an origin."""
    digest = hashlib.sha256(f"{kind}|{identifier}".encode()).digest()
    return int.from_bytes(digest[:16], "big"), int.from_bytes(digest[16:24], "big")


def _span_context(value: str) -> SpanContext | None:
    """Return what a traceparent names; None for anything that is not one (it may come from outside)."""
    parts = value.split("-")
    if [len(part) for part in parts] != [2, 32, 16, 2]:
        return None
    try:
        numbers = [int(part, 16) for part in parts]
    except ValueError:
        return None
    return _remote(numbers[1], numbers[2]) if numbers[1] and numbers[2] else None


def _remote(trace_id: int, span_id: int) -> SpanContext:
    from opentelemetry import trace

    return trace.SpanContext(trace_id, span_id, is_remote=True, trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED))
