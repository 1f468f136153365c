"""A FHIR server that answers too much, too slowly, from elsewhere, or without end: bounded, and told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from services.lab_consumer.adapters.fhir_source import HttpFhirSource
from services.lab_consumer.ports.pulling import BusyError, GoneError
from shared.domain.errors import ForbiddenError, InvalidInputError, PermanentError, UnavailableError
from shared.security.backend_services import NoCredentials
from shared.testing.ports import free_port

Answer = Callable[[BaseHTTPRequestHandler], object]


class Server:
    """A real HTTP server that answers as a test says."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                outer.answers.pop(0)(self)

            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/fhir"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def answer(status: int = 200, body: bytes = b"{}", **headers: str) -> Answer:
    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return send


@pytest.fixture
def server() -> Iterator[Server]:
    """One."""
    running = Server()
    yield running
    running.stop()


@pytest.fixture
def source(server: Server) -> Iterator[HttpFhirSource]:
    """We, with small limits."""
    opened = HttpFhirSource(server.url, NoCredentials(), timeout_s=0.3, max_bytes=2000)
    yield opened
    opened.close()


def test_a_next_page_on_the_same_server_is_fetched(server: Server, source: HttpFhirSource) -> None:
    server.answers += [answer(body=b"1"), answer(body=b"2")]

    assert source.page(f"{server.url}?_getpages=7") == b"1"
    assert source.page("Observation?_offset=10") == b"2"
    assert server.asked == ["/fhir?_getpages=7", "/fhir/Observation?_offset=10"]


@pytest.mark.parametrize(
    "link",
    ["http://169.254.169.254/latest", "//evil.example.org/fhir", "https://127.0.0.1/fhir", "file:///etc/passwd",
     "http://127.0.0.1:1/fhir", "http://u@127.0.0.1/fhir"],
)  # fmt: skip
def test_a_next_page_elsewhere_is_never_fetched(server: Server, source: HttpFhirSource, link: str) -> None:
    with pytest.raises(PermanentError, match="another server: it is not fetched"):
        source.page(link)
    assert server.asked == []


def test_a_redirect_is_not_followed(server: Server, source: HttpFhirSource) -> None:
    server.answers.append(answer(302, Location="http://169.254.169.254/"))

    with pytest.raises(PermanentError, match="answered 302"):
        source.read("Patient", "p1")


def test_an_answer_beyond_the_limit_is_not_read_to_its_end(server: Server, source: HttpFhirSource) -> None:
    server.answers.append(answer(body=b"x" * 100_000))

    with pytest.raises(PermanentError, match="more than 2000 bytes"):
        source.read("Patient", "p1")


def test_a_server_that_says_nothing_is_waited_for_no_longer_than_configured(
    server: Server, source: HttpFhirSource
) -> None:
    release = threading.Event()
    server.answers.append(lambda _: release.wait(10))

    with pytest.raises(UnavailableError, match="ReadTimeout"):
        source.read("Patient", "p1")
    release.set()


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, UnavailableError), (502, UnavailableError), (408, UnavailableError), (429, BusyError), (503, BusyError),
     (400, PermanentError), (403, ForbiddenError), (410, GoneError), (406, PermanentError)],
)  # fmt: skip
def test_what_may_pass_and_what_may_not_are_told_apart(
    server: Server, source: HttpFhirSource, status: int, error: type[Exception]
) -> None:
    server.answers.append(answer(status))

    with pytest.raises(error, match=str(status)):
        source.read("Patient", "p1")


def test_what_is_not_there_is_nothing(server: Server, source: HttpFhirSource) -> None:
    server.answers.append(answer(404))

    assert source.read("Patient", "p1") is None


def test_credentials_that_are_not_taken_are_tried_once_more_and_then_told(
    server: Server, source: HttpFhirSource
) -> None:
    server.answers += [answer(401), answer(401)]

    with pytest.raises(ForbiddenError, match="does not take our credentials"):
        source.read("Patient", "p1")
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("stated", "least", "most"),
    [("7", 7, 7), ("{date}", 600, 900), ("soon", 0, 0), ("99999999", 3600, 3600), ("", 0, 0), ("-5", 0, 0)],
    ids=["seconds", "a date", "a word", "for ever", "nothing", "the past"],
)
def test_a_busy_server_is_believed_within_reason(
    server: Server, source: HttpFhirSource, stated: str, least: float, most: float
) -> None:
    # Made here: collected early, a test may run a quarter of an hour later.
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=900), usegmt=True)
    server.answers.append(answer(503, Retry_After=stated.format(date=date)))

    with pytest.raises(BusyError) as error:
        source.read("Patient", "p1")

    assert least <= error.value.after_s <= most


def test_changes_are_asked_for_in_order_and_unknown_parameters_must_fail(
    server: Server, source: HttpFhirSource
) -> None:
    wishes: list[str] = []

    def told(handler: BaseHTTPRequestHandler) -> None:
        wishes.append(str(handler.headers["Prefer"]))
        answer()(handler)

    server.answers.append(told)

    source.changed("Observation", "2026-01-01T00:00:00.000Z", 50)

    assert server.asked == [
        "/fhir/Observation?_lastUpdated=gt2026-01-01T00%3A00%3A00.000Z&_sort=_lastUpdated&_count=50"
    ]
    assert wishes == ["handling=strict"]


def test_an_address_in_the_clear_is_refused_at_start() -> None:
    with pytest.raises(InvalidInputError, match="must be an https URL"):
        HttpFhirSource(f"http://ehr.example.org:{free_port()}/fhir", NoCredentials(), 1, 1)
