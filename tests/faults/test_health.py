"""What is down is named by those who need it, and by ``doctor``; when it is back, nobody has to lift a hand."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from services.cli.__main__ import oncorelay
from shared.testing.ports import wait_until
from tests.system import OPERATED, System

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]


@pytest.mark.parametrize(
    ("down", "check", "told_by"),
    [
        ("redis", "redis", {"results.dispatch", "inference"}),
        # The listener says so only when its doors refuse (ledger_grace_s): until then it can wait.
        ("results.serve", "results", {"lab_consumer", "inference", "slide_ingestion"}),
        ("lab_consumer", "lab_consumer", {"results.dispatch"}),
    ],
)
def test_what_is_down_is_named_by_everybody_who_needs_it_and_forgotten_when_it_is_back(
    system: System, down: str, check: str, told_by: set[str]
) -> None:
    system.kill(down)

    others = [service for service in OPERATED if service != down]

    def told() -> set[str]:
        return {service for service in others if check in system.problems(service)}

    wait_until(lambda: told() == told_by, "those who need it to notice", timeout_s=20)
    also = {service for service in others if system.problems(service)}
    shown = CliRunner().invoke(oncorelay, ["doctor"]).output
    system.revive(down)
    system.until(lambda: not any(system.problems(service) for service in OPERATED), "everybody to be well")

    assert also == told_by
    for service in told_by:
        assert f"health of {service}" in shown
