"""``python -m services.inference``: run a worker until SIGTERM."""

from __future__ import annotations

import sys

from services.inference.app import serve
from services.inference.config import Settings
from shared.observability.process import service_main


def main() -> None:
    """Take orders until SIGTERM; Celery handles the signal itself."""
    sys.exit(serve(Settings()))


if __name__ == "__main__":
    service_main("inference", main)
