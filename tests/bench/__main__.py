"""``./run bench NAME [--json]``: measurements; the last line is always one line of JSON."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
from pathlib import Path

from tests.bench.rows import Bench


def main() -> int:
    """Run one bench; return the exit status."""
    names = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    names = [name for name in names if name not in {"rows", "__main__"}]
    parser = argparse.ArgumentParser(prog="./run bench", description="Ratios above 1 mean that ours is better.")
    parser.add_argument("name", choices=names)
    parser.add_argument("--json", action="store_true", help="only the line of JSON")
    known, rest = parser.parse_known_args()
    bench: Bench = importlib.import_module(f"tests.bench.{known.name}").run(rest)
    if not known.json:
        print(bench.table())
    print(json.dumps(bench.tree()))
    return 0 if bench.passed else 1


if __name__ == "__main__":
    sys.exit(main())
