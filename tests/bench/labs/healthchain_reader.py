"""Read FHIR Bundles as HealthChain does and print Observations a second; runs in HealthChain's own environment.

Usage: python healthchain_reader.py BUNDLE…   The first one warms up.
"""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path


def read(path: Path) -> int:
    """Return how many Observations of a Bundle have a value."""
    fhir = importlib.import_module("healthchain.fhir")
    found = fhir.get_resources(fhir.load_bundle(path.read_text(encoding="utf-8")), "Observation")
    return sum(float(row.valueQuantity.value) >= 0 for row in found)


if __name__ == "__main__":
    warm_up, *rest = map(Path, sys.argv[1:])
    read(warm_up)
    start = time.perf_counter()
    count = sum(map(read, rest))
    sys.stdout.write(f"{count / (time.perf_counter() - start)}\n")
