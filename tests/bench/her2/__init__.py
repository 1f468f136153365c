"""HER2 from a slide on the cores it is served on, each part against the peer one would take instead. One file a row.

A row's file has ``measure(options) -> Measured``; it is found by being here, in the order of ``ORDER``. ``--rows a,b``
(or ``--only``) measures only these; ``--full`` adds what takes long; ``--repeats`` is how often both sides take turns.
"""

from __future__ import annotations

import argparse
import importlib
import tempfile
from pathlib import Path

from tests.bench.ln_pcr.options import Measured, Options
from tests.bench.rows import Bench

ORDER = (
    "vahadane_fit", "swin_t_b8", "read_pipeline", "stain_tiles_per_s", "slide_s", "aggregate_s", "peak_memory_mb",
)  # fmt: skip


def run(arguments: list[str]) -> Bench:
    """Measure every row whose file is here."""
    here = [name for name in ORDER if (Path(__file__).parent / f"{name}.py").exists()]
    parser = argparse.ArgumentParser(prog="./run bench her2")
    parser.add_argument("--full", action="store_true", help="what takes long too")
    parser.add_argument("--rows", "--only", dest="rows", default=",".join(here))
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args(arguments)
    unknown = sorted(set(given.rows.split(",")) - set(here))
    if unknown:
        parser.error(f"no row {', '.join(unknown)}; there are {', '.join(here)}")
    measured: list[Measured] = []
    for name in [row for row in here if row in given.rows.split(",")]:
        with tempfile.TemporaryDirectory(prefix=f"her2-{name}-") as folder:
            options = Options(Path(folder), given.repeats, full=given.full)
            measured.append(importlib.import_module(f"tests.bench.her2.{name}").measure(options))
    rows = tuple(row for one in measured for row in one.rows)
    notes = tuple(note for one in measured for note in one.notes)
    return Bench("her2", rows, notes, passed=all(one.passed for one in measured))
