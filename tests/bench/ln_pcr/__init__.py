"""LN-pCR with images: what a study costs. One file a row, named like it.

A row's file has ``measure(options) -> Measured``; it is found by being here, in the order of ``ORDER``. ``--rows a,b``
measures only these; ``--full`` adds what takes long.
"""

from __future__ import annotations

import argparse
import importlib
import tempfile
from pathlib import Path

from tests.bench.ln_pcr.options import Measured, Options
from tests.bench.rows import Bench

ORDER = ("resnet3d50", "radiomics_1781", "study_overhead", "peak_memory_mb", "train_epochs_per_min")


def run(arguments: list[str]) -> Bench:
    """Measure every row whose file is here."""
    here = [name for name in ORDER if (Path(__file__).parent / f"{name}.py").exists()]
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="add what takes long")
    parser.add_argument("--rows", default=",".join(here))
    given = parser.parse_args(arguments)
    measured: list[Measured] = []
    for name in [row for row in here if row in given.rows.split(",")]:
        with tempfile.TemporaryDirectory(prefix=f"ln-pcr-{name}-") as folder:
            options = Options(Path(folder), full=given.full)
            measured.append(importlib.import_module(f"tests.bench.ln_pcr.{name}").measure(options))
    rows = tuple(row for one in measured for row in one.rows)
    return Bench("ln_pcr", rows, tuple(note for one in measured for note in one.notes))
