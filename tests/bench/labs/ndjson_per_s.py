"""Observations a second, from one NDJSON body to facts on disk; and whether the last cost what the first did."""

from __future__ import annotations

import time

from tests.bench.labs.consumer import Consumer, start_consumer
from tests.bench.labs.options import Measured, Options
from tests.bench.labs.population import EACH, ndjson
from tests.bench.rows import Row

GOAL = 500.0
MILLION = 1_000_000
SLICES = 10


def measure(options: Options) -> Measured:
    """Send slice after slice, each as one body, and time each."""
    total = MILLION if options.full else options.observations
    each = total // SLICES // EACH
    with start_consumer(options.folder) as consumer:
        consumer.post(ndjson(10_000_000, 20), "application/fhir+ndjson")  # warm up
        before = consumer.facts()
        rates = [_slice(consumer, number * each, each) for number in range(SLICES)]
        kept = consumer.facts() - before
    if kept != SLICES * each * EACH:
        raise RuntimeError(f"{kept} facts of {SLICES * each * EACH}")
    whole = SLICES / sum(1 / rate for rate in rates)
    rows = (
        Row("ndjson_per_s", whole, GOAL, "goal", "observations/s"),
        Row(f"ndjson_flat_to_{kept}_facts", rates[-1], rates[0], "the first tenth", "observations/s"),
    )
    return Measured(rows, (f"ndjson: rate of each tenth {', '.join(f'{rate:.0f}' for rate in rates)} observations/s",))


def _slice(consumer: Consumer, first: int, count: int) -> float:
    start = time.perf_counter()
    answer = consumer.post(ndjson(first, count), "application/fhir+ndjson")
    seconds = time.perf_counter() - start
    if f"{count * (EACH + 1)} accepted" not in answer.text:
        raise RuntimeError(answer.text[:500])
    return count * EACH / seconds
