"""Laboratory values on their way in, and what becomes of them. One file a row, named like it.

A row's file has ``measure(options) -> Measured``; it is found by being here, in the order of ``ORDER``. ``--rows a,b``
measures only these; ``--full`` adds what takes long.
"""

from __future__ import annotations

import argparse
import importlib
import tempfile
from pathlib import Path

from tests.bench.labs.options import Measured, Options
from tests.bench.rows import Bench

ORDER = ("ndjson_per_s", "bundle_per_s", "mllp_per_s", "obs_to_risk_p95_s", "train_overhead", "what_if_p95_ms")


def run(arguments: list[str]) -> Bench:
    """Measure every row whose file is here."""
    here = [name for name in ORDER if (Path(__file__).parent / f"{name}.py").exists()]
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="1,000,000 facts; the largest cohorts")
    parser.add_argument("--rows", default=",".join(here))
    parser.add_argument("--observations", type=int, default=20_000)
    given = parser.parse_args(arguments)
    measured: list[Measured] = []
    for name in [row for row in here if row in given.rows.split(",")]:
        with tempfile.TemporaryDirectory(prefix=f"labs-{name}-") as folder:
            options = Options(Path(folder), given.observations, full=given.full)
            measured.append(importlib.import_module(f"tests.bench.labs.{name}").measure(options))
    rows = tuple(row for one in measured for row in one.rows)
    return Bench("labs", rows, tuple(note for one in measured for note in one.notes))
