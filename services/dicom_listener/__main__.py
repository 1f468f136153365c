"""``python -m services.dicom_listener``: serve until SIGTERM or SIGINT."""

from __future__ import annotations

from shared.observability.loading import loading

with loading():
    from services.dicom_listener.app import build
    from services.dicom_listener.config import Settings
    from shared.observability.operations import watched
    from shared.observability.process import run_until_stopped, service_main, stop_signal


def main() -> None:
    """Build, start, and stop in order."""
    settings = Settings()
    listener = build(settings)
    with watched(listener.operations):
        signalled = stop_signal()  # before the door opens: who can connect may also stop us
        listener.start()
        where = f"{settings.ae_title} on {settings.host}:{listener.door.port}"
        run_until_stopped("dicom_listener", where, listener.stop, signalled)


if __name__ == "__main__":
    service_main("dicom_listener", main)
