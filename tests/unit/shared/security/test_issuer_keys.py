"""The provider's keys while the provider hangs: a known key is answered at once, and one fetch runs at a time."""

from __future__ import annotations

import socket
from threading import Event, Thread
from typing import Any

import pytest

from shared.domain.errors import UnauthenticatedError, UnavailableError
from shared.security.issuer_keys import FRESH_S, STALE_S, IssuerKeys


class Hanging(IssuerKeys):
    """A provider that answers when it is told to."""

    def __post_init__(self) -> None:
        self.answered, self.fetches = Event(), 0

    def _fetch(self) -> dict[str, Any]:
        self.fetches += 1
        assert self.answered.wait(60)
        return {"fresh": "a key"}


class Clock:
    time = 0.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def keys() -> Hanging:
    found = Hanging("http://127.0.0.1:1", Clock())
    found._keys, found._fetched = {"known": "a key"}, -FRESH_S - 1  # type: ignore[dict-item]
    return found


def test_a_known_key_is_answered_while_the_provider_hangs(keys: Hanging) -> None:
    for _ in range(8):  # each would wait for ever if it waited at all
        assert keys.key("known") == "a key"  # type: ignore[comparison-overlap]
    assert keys.fetches == 1
    keys.answered.set()
    assert keys.key("fresh") == "a key"  # type: ignore[comparison-overlap]
    assert keys.fetches == 1


def test_many_who_wait_for_an_unknown_key_share_one_fetch(keys: Hanging) -> None:
    found: list[Any] = []
    waiting = [Thread(target=lambda: found.append(keys.key("fresh"))) for _ in range(5)]
    for thread in waiting:
        thread.start()
    keys.answered.set()
    for thread in waiting:
        thread.join()

    assert found == ["a key"] * 5
    assert keys.fetches == 1


def test_a_known_key_is_not_trusted_for_ever(keys: Hanging) -> None:
    keys._fetched = -STALE_S - 1
    keys._asked = 0.0  # asked just now, in vain

    with pytest.raises(UnavailableError):
        keys.key("known")


def test_an_unknown_key_is_refused_when_the_provider_was_asked(keys: Hanging) -> None:
    keys.answered.set()

    with pytest.raises(UnauthenticatedError):
        keys.key("unknown")


def test_a_provider_that_takes_connections_and_says_nothing_delays_nobody_with_a_known_key() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        keys = IssuerKeys(f"http://127.0.0.1:{silent.getsockname()[1]}", Clock())
        keys._keys, keys._fetched = {"known": "a key"}, -FRESH_S - 1  # type: ignore[dict-item]

        assert keys.key("known") == "a key"  # type: ignore[comparison-overlap]
        assert keys._fetching is not None
        assert keys._fetching.is_alive()  # answered before the fetch ended
