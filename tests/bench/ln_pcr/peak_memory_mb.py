"""``peak_memory_mb``: the most a worker's process tree holds while it answers a study of 5 x 120 x 512 x 512.

The tree is a process of its own with its jail; PSS of all its members, looked at every 50 ms. The region is searched
for, so that three phases are decoded: the dearest way.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from tests.bench.ln_pcr.options import Measured, Options
from tests.bench.rows import Row

LIMIT_MB = 1500.0


def measure(options: Options) -> Measured:
    """Return one row: the peak against the limit."""
    matrix = "512"
    run = [sys.executable, "-m", "tests.bench.ln_pcr.peak_memory_mb", str(options.folder), matrix]
    subprocess.run([*run, "store"], check=True)  # simulating takes more memory than answering
    worker = subprocess.Popen([*run, "answer"])
    peak = 0.0
    while worker.poll() is None:
        peak = max(peak, _tree_mb(worker.pid))
        time.sleep(0.05)
    row = Row("peak_memory_mb", peak, LIMIT_MB, "limit", "MB")
    return Measured((row,), passed=worker.returncode == 0)


def _tree_mb(pid: int) -> float:
    try:
        parent = psutil.Process(pid)
        tree = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    return sum(_pss_mb(one.pid) for one in tree)


def _pss_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    except (OSError, StopIteration):  # it ended meanwhile
        return 0.0


def _main(folder: str, matrix: str, what: str) -> None:
    from tests.bench.ln_pcr.stored_study import answer, store

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    store(Path(folder), int(matrix)) if what == "store" else answer(Path(folder))


if __name__ == "__main__":
    _main(*sys.argv[1:])
