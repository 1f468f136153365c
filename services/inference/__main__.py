"""``python -m services.inference`` runs a worker, ``... explain`` answers "what if" over gRPC; until SIGTERM."""

from __future__ import annotations

import sys

from shared.observability.loading import loading

EXPLAINS = sys.argv[1:] == ["explain"]

with loading():
    from services.inference.config import Settings
    from shared.observability.process import service_main

    if EXPLAINS:
        from services.inference.app.explain import serve
    else:
        from services.inference.app.worker import serve


def main() -> None:
    """Take orders until SIGTERM (Celery handles the signal itself), or answer people."""
    sys.exit(serve(Settings()))


if __name__ == "__main__":
    service_main("inference.explain" if EXPLAINS else "inference", main)
