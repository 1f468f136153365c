"""``python -m services.results.dispatch``: moves cases on."""

from __future__ import annotations

from shared.observability.loading import loading

with loading():
    from services.results.config import Settings
    from services.results.dispatch.app import start
    from shared.observability.operations import watched
    from shared.observability.process import run_until_stopped, service_main


def main() -> None:
    """Run the loops until SIGTERM."""
    settings = Settings()
    dispatch = start(settings)
    with watched(dispatch.operations):
        run_until_stopped("results.dispatch", settings.redis_url.rsplit("@", 1)[-1], dispatch.stop)


if __name__ == "__main__":
    service_main("results.dispatch", main)
