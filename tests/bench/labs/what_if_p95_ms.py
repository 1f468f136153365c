"""How long a person waits for a "what if": Explain over mutual TLS, asked one after another by one client."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from shared.rpc.explain_client import ExplainClient
from shared.security import tls_folder
from shared.security.parties import Party, Role
from shared.security.tls_files import files_of
from shared.testing.cox_model import lung_inputs
from shared.testing.ports import free_port, wait_until
from tests.bench.labs.options import Measured, Options
from tests.bench.rows import Row
from tests.nomogram_bundle import install, write_site

CALLS, WARM_UP = 2000, 100
GOAL_MS = 5.0


def measure(options: Options) -> Measured:
    """Ask ``CALLS`` times, each time for other values; the row is the 95th percentile against the goal."""
    with explaining(options.folder) as client:
        rows = [_values(random.Random(seed)) for seed in range(WARM_UP + CALLS)]
        taken = sorted([_timed(client, row) for row in rows][WARM_UP:])
    half = taken[len(taken) // 2]
    row = Row("what_if_p95_ms", taken[int(0.95 * len(taken))], GOAL_MS, "goal", "ms")
    return Measured((row,), (f"what-if: {CALLS} answers over mutual TLS, median {half:.2f} ms",))


@contextmanager
def explaining(folder: Path) -> Iterator[ExplainClient]:
    """Run the process on a free port with a bundle of its own; yield a reader's client."""
    address = f"127.0.0.1:{free_port()}"
    install(folder)
    tls_folder.make_site(folder / "tls", "bench", datetime.now(UTC))
    tls_folder.make_person(folder / "tls", Party("reader", Role.READER), datetime.now(UTC))
    site = write_site(folder, f'explain_address = "{address}"', f'tls_folder = "{folder}/tls"')
    log = folder / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.inference", "explain"],
            env=os.environ | {"ONCORELAY_CONFIG": str(site)}, stdout=stream, stderr=stream,
        )  # fmt: skip
    client = ExplainClient(address, tls=files_of(folder / "tls", "people/reader"))
    try:
        wait_until(lambda: b'"event": "ready"' in log.read_bytes(), "the what-if process")
        yield client
    finally:
        client.close()
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _timed(client: ExplainClient, row: dict[str, str]) -> float:
    begin = time.perf_counter()
    answer = client.explain("lung_metastasis", row)
    taken = time.perf_counter() - begin
    if len(answer.horizons) != 2:
        raise RuntimeError(f"no risks for {row}: {answer.refusals}")
    return 1000 * taken


def _values(draw: random.Random) -> dict[str, str]:
    """Return values spread over the ranges the bundle has seen."""
    return {
        one.name: draw.choice(one.levels) if one.range is None else f"{draw.uniform(one.range.low, one.range.high):.3f}"
        for one in lung_inputs()
    }
