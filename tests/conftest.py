"""Counts what was skipped, says why, and lets CI have no skips (system rule: none where ../shared is present).

Where several workers share the tests (``./run test``), a module's tests stay together, and so do all tests of one of
the two packages that share a running system: what they share is started once.
"""

from __future__ import annotations

import gc
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
_SKIPPED: Counter[str] = Counter()
NO_HISTORY = "no history"
"""Begins a reason that may skip in CI: a shallow checkout cannot build the previous version."""
NO_HARDWARE = "no such hardware"
"""Begins the other: a GPU, or a processor that computes in bfloat16."""


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real inputs, or skip where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real inputs of ../shared/data are not here")
    return SHARED_DATA


class _ByRoom(LoadScopeScheduling):  # type: ignore[misc]
    """What a worker is given at once: a module, or the whole package."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        room = Path(module).parent
        return str(room) if (self.config.rootpath / room / "__init__.py").exists() else module


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _ByRoom(config, log)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Thousands of collected tests stay to the end: the collector need not walk over them again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        _SKIPPED[reason] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for reason, count in _SKIPPED.items():
        terminalreporter.write_line(f"skipped {count}: {reason}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    refused = [reason for reason in _SKIPPED if NO_HISTORY not in reason and NO_HARDWARE not in reason]
    if refused and exitstatus == 0 and os.environ.get("CI") and SHARED_DATA.is_dir():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
