"""Counts what was skipped, says why, and lets CI have no skips (system rule: none where ../shared is present).

Where several workers share the tests (``./run test``), a module's tests stay together, and so do all tests of one of
the two packages that share a running system: what they share is started once.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
_SKIPPED: Counter[str] = Counter()
NO_HISTORY = "no history"
"""Begins the one reason that may skip in CI: a shallow checkout cannot build the previous version."""


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real inputs, or skip where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real inputs of ../shared/data are not here")
    return SHARED_DATA


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        room = item.path.parent
        shared = room if (room / "__init__.py").exists() else item.path
        item.add_marker(pytest.mark.xdist_group(str(shared.relative_to(item.config.rootpath))))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        _SKIPPED[reason] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for reason, count in _SKIPPED.items():
        terminalreporter.write_line(f"skipped {count}: {reason}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    refused = [reason for reason in _SKIPPED if NO_HISTORY not in reason]
    if refused and exitstatus == 0 and os.environ.get("CI") and SHARED_DATA.is_dir():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
