"""An OpenTelemetry collector in a thread: takes OTLP over HTTP (protobuf) and keeps what it was sent."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class Span:
    """One span as it was sent. Ids are hex; ``parent`` and each of ``links`` are (trace, span)."""

    service: str
    name: str
    own: tuple[str, str]
    parent: tuple[str, str] | None
    links: tuple[tuple[str, str], ...]
    attributes: dict[str, str]


@dataclass(slots=True)
class Collector:
    """What arrived so far."""

    port: int = 0
    bodies: list[bytes] = field(default_factory=list)
    """Every request body, unpacked."""
    lock: Lock = field(default_factory=Lock)

    @property
    def url(self) -> str:
        """Return the base URL, as ``OTEL_EXPORTER_OTLP_ENDPOINT`` wants it."""
        return f"http://127.0.0.1:{self.port}"

    def spans(self) -> list[Span]:
        """Return every span."""
        with self.lock:
            bodies = list(self.bodies)
        return [span for body in bodies for span in _spans(body)]

    def add(self, body: bytes) -> None:
        """Keep one request."""
        with self.lock:
            self.bodies.append(body)


@contextmanager
def start_collector() -> Iterator[Collector]:
    """Run a collector on a free port of 127.0.0.1."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.add(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - http.server's name
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _spans(body: bytes) -> Iterator[Span]:
    request = ExportTraceServiceRequest.FromString(body)
    for resource in request.resource_spans:
        service = next(a.value.string_value for a in resource.resource.attributes if a.key == "service.name")
        for scope in resource.scope_spans:
            for one in scope.spans:
                trace = one.trace_id.hex()
                yield Span(
                    service, one.name, (trace, one.span_id.hex()),
                    (trace, one.parent_span_id.hex()) if one.parent_span_id else None,
                    tuple((link.trace_id.hex(), link.span_id.hex()) for link in one.links),
                    {a.key: a.value.string_value or str(a.value.int_value) for a in one.attributes},
                )  # fmt: skip
