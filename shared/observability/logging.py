"""One set-up for every process: structlog and the standard library through one formatter."""

from __future__ import annotations

import logging
import os
import sys

import structlog

from shared.observability.withholding import guard_standard_error, withhold_exceptions, withhold_library_text

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def configure(service: str) -> None:
    """Log to standard error: JSON lines, or columns where ``ONCORELAY_LOG=console``.

    ``ONCORELAY_LOG_LEVEL`` sets the level of our own events (INFO). Third-party libraries log from WARNING up, and
    only constants: their texts, and those of exceptions, may quote data sets (``withholding``).
    """
    console = os.environ.get("ONCORELAY_LOG") == "console"
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()) if console else structlog.processors.JSONRenderer()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, withhold_library_text],
            use_get_message=False,
            pass_foreign_args=True,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                withhold_exceptions,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("oncorelay").setLevel(_level())
    guard_standard_error(service)
    structlog.contextvars.bind_contextvars(service=service)


def _level() -> str:
    """Return the level of our own events; a word that is none counts as INFO."""
    wanted = os.environ.get("ONCORELAY_LOG_LEVEL", "").upper()
    return wanted if wanted in _LEVELS else "INFO"
