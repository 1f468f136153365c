"""Traces: off by default, connected where they are on, and silent about the texts of errors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.observability import tracing
from shared.testing.otlp_collector import Collector, Span, start_collector


@pytest.fixture
def collector() -> Iterator[Collector]:
    with start_collector() as one:
        tracing.configure("test", one.url)
        yield one
        tracing.stop()


def sent(collector: Collector) -> dict[str, Span]:
    tracing.stop()
    return {one.name: one for one in collector.spans()}


def test_without_a_collector_nothing_is_traced() -> None:
    tracing.configure("test")
    with tracing.span("one", about=("case", "1")):
        assert tracing.traceparent() == ""
    tracing.origin("case", "1", "case")
    tracing.begin("two").end()

    assert not tracing.enabled()
    assert tracing.outgoing() == {}


def test_everything_about_a_case_hangs_below_its_origin_whoever_says_it(collector: Collector) -> None:
    with tracing.span("request"):
        tracing.origin("case", "c1", "case")
    with tracing.span("delivery", about=("case", "c1")):
        pass
    found = sent(collector)

    assert found["delivery"].parent == found["case"].own
    assert found["case"].links == (found["request"].own,)
    assert found["case"].own[0] != found["request"].own[0]


def test_a_traceparent_joins_two_processes(collector: Collector) -> None:
    with tracing.span("here"):
        headers = tracing.outgoing()
    with tracing.span("there", parent=headers["traceparent"], about=("case", "c1")):
        pass
    found = sent(collector)

    assert found["there"].parent == found["here"].own


@pytest.mark.parametrize("value", ["", "x", "00-0-0-0", f"00-{'0' * 32}-{'0' * 16}-01", f"00-{'g' * 32}-{'1' * 16}-01"])
def test_a_traceparent_that_is_none_is_ignored(collector: Collector, value: str) -> None:
    with tracing.span("there", parent=value):
        pass

    assert sent(collector)["there"].parent is None


def test_a_span_that_breaks_says_the_type_and_never_the_text(collector: Collector) -> None:
    with pytest.raises(ValueError, match="SECRET"), tracing.span("broken"):
        raise ValueError("SECRET-MRN")
    found = sent(collector)

    assert found["broken"].attributes == {"error.type": "ValueError"}
    assert b"SECRET" not in b"".join(collector.bodies)
