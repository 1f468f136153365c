"""Observations a second, from transactions of fifty patients to facts on disk; HealthChain only reads the same ones."""

from __future__ import annotations

import json
import time
from pathlib import Path

from shared.testing.fhir_resources import bundle
from tests.bench.labs.bundle_peer import VERSION, observations_per_s
from tests.bench.labs.consumer import start_consumer
from tests.bench.labs.ndjson_per_s import GOAL
from tests.bench.labs.options import Measured, Options
from tests.bench.labs.population import EACH, people
from tests.bench.rows import Row

PATIENTS = 50
"""Of one Bundle: 550 entries."""


def measure(options: Options) -> Measured:
    """Send Bundle after Bundle on one connection; then let the peer read them."""
    count = max(1, options.observations // EACH // PATIENTS)
    bodies = [_body(number) for number in range(count + 1)]
    with start_consumer(options.folder / "ours") as consumer:
        consumer.post(bodies[0], "application/fhir+json")  # warm up
        before = consumer.facts()
        start = time.perf_counter()
        for body in bodies[1:]:
            consumer.post(body, "application/fhir+json")
        seconds = time.perf_counter() - start
        kept = consumer.facts() - before
    if kept != count * PATIENTS * EACH:
        raise RuntimeError(f"{kept} facts of {count * PATIENTS * EACH}")
    ours = kept / seconds
    peer = observations_per_s(_files(options.folder / "bundles", bodies))
    rows = (
        Row("bundle_per_s", ours, peer, f"HealthChain {VERSION}, which stores nothing", "observations/s"),
        Row("bundle_per_s_goal", ours, GOAL, "goal", "observations/s"),
    )
    return Measured(rows)


def _body(number: int) -> bytes:
    return json.dumps(bundle("transaction", *people(number * PATIENTS, PATIENTS))).encode()


def _files(folder: Path, bodies: list[bytes]) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"{number:05d}.json" for number in range(len(bodies))]
    for path, body in zip(paths, bodies, strict=True):
        path.write_bytes(body)
    return paths
