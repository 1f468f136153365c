"""``python -m services.inference``: run a worker until SIGTERM."""

from __future__ import annotations

import sys

from services.inference.app import serve
from services.inference.config import Settings
from shared.domain.errors import OncoRelayError
from shared.observability.logging import configure


def main() -> int:
    """Return the exit status; an error of the configuration is said in one sentence."""
    configure("inference")
    try:
        return serve(Settings())
    except OncoRelayError as error:
        print(f"inference: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
