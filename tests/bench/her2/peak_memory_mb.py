"""``peak_memory_mb``: the most a worker's process tree holds while it answers about a slide of 10^9 pixels.

The tree is a process of its own with its jails and the network of full width; PSS of all its members, looked at every
50 ms. A slide of 10^8 pixels is measured beside it: the difference is what a slide's size costs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.her2.slide_s import fastest
from tests.bench.her2.whole_slide import bundle
from tests.bench.ln_pcr.options import Measured, Options
from tests.bench.ln_pcr.peak_memory_mb import _tree_mb
from tests.bench.rows import Row

LIMIT_MB = 1500.0
PIXELS, SMALLER = 10**9, 10**8


def measure(options: Options) -> Measured:
    """Return one row: the peak against the limit."""
    bundle(options.folder)
    peaks, passed = {}, True
    for pixels in (SMALLER, PIXELS):
        run = [sys.executable, "-m", "tests.bench.her2.peak_memory_mb", str(options.folder), str(pixels)]
        subprocess.run([*run, "scan"], check=True)  # simulating takes memory of its own
        worker = subprocess.Popen([*run, "answer"])
        peaks[pixels] = 0.0
        while worker.poll() is None:
            peaks[pixels] = max(peaks[pixels], _tree_mb(worker.pid))
            time.sleep(0.05)
        passed &= worker.returncode == 0
    note = f"peak_memory_mb: {peaks[SMALLER]:.0f} MB at {SMALLER:.0e} pixels, {peaks[PIXELS]:.0f} at {PIXELS:.0e}"
    return Measured((Row("peak_memory_mb", peaks[PIXELS], LIMIT_MB, "limit", "MB"),), (note,), passed)


def _main(folder: str, pixels: str, what: str) -> None:
    from tests.bench.her2.whole_slide import WholeSlide

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if what == "scan":
        WholeSlide.stored(Path(folder), "onnxruntime", "float32").scan(int(pixels))
    else:
        fastest(Options(Path(folder), 1, full=False)).answer()


if __name__ == "__main__":
    _main(*sys.argv[1:])
