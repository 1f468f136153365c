"""``python -m services.inference`` runs a worker, ``... explain`` answers "what if" over gRPC; until SIGTERM."""

from __future__ import annotations

import sys

from shared.observability.loading import loading

with loading():
    from services.inference.app import explain, serve
    from services.inference.config import Settings
    from shared.observability.process import service_main


def main() -> None:
    """Take orders until SIGTERM (Celery handles the signal itself), or answer people."""
    if sys.argv[1:] == ["explain"]:
        explain(Settings())
    else:
        sys.exit(serve(Settings()))


if __name__ == "__main__":
    service_main("inference.explain" if sys.argv[1:] == ["explain"] else "inference", main)
