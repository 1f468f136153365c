"""The worker's settings come from the environment like everybody's."""

from __future__ import annotations

import pytest

from services.inference.config import Settings


def test_a_worker_takes_its_redis_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONCORELAY_INFERENCE__REDIS_URL", "redis://127.0.0.1:7000/1")

    assert Settings().redis_url == "redis://127.0.0.1:7000/1"
    assert Settings().queues == ("cpu",)
