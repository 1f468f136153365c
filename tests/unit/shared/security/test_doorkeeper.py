"""Keys from a file, several gates on one door, and a limit on guessing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.domain.errors import ForbiddenError, InvalidInputError, OutOfResourcesError, UnauthenticatedError
from shared.security.doorkeeper import MAX_ADDRESSES, Doorkeeper, FailureLimit, open_door
from shared.security.token_settings import OidcSettings
from shared.security.tokens import read_keys

GOOD = "a-key-of-the-hospital-1234"
OTHER = "another-key-of-a-laboratory"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    path.write_text(f"# who sends facts\nehr {GOOD}\nlis {OTHER} facts.write images.write\n")
    return path


def test_every_key_has_a_name_and_its_scopes(keys: Path) -> None:
    gate = read_keys(keys)

    assert gate.caller(f"Bearer {GOOD}").name == "ehr"
    lis = gate.caller(f"bearer  {OTHER} ")
    assert (lis.name, lis.scopes) == ("lis", frozenset({"facts.write", "images.write"}))
    lis.require("facts.write")
    with pytest.raises(ForbiddenError, match=r"lis has not the scope cases\.read"):
        lis.require("cases.read")
    gate.caller(f"Bearer {GOOD}").require("anything.this.door.offers")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", f"Basic {GOOD}", f"Bearer {GOOD}x", f"Bearer {GOOD[:-1]}",
                                    "Bearer ehr", "Bearer é"])  # fmt: skip
def test_anything_but_a_key_proves_nobody(keys: Path, header: str) -> None:
    with pytest.raises(UnauthenticatedError) as refused:
        read_keys(keys).caller(header)
    assert GOOD[:8] not in str(refused.value)


def test_a_file_with_one_bare_key_names_it_after_itself(tmp_path: Path) -> None:
    (tmp_path / "lab_consumer.token").write_text(GOOD + "\n")

    assert read_keys(tmp_path / "lab_consumer.token").caller(f"Bearer {GOOD}").name == "lab_consumer"


@pytest.mark.parametrize("content", [None, "", "short", "ehr short", f"ehr {GOOD}\nehr {OTHER}"])
def test_a_missing_short_or_doubled_key_is_refused_with_the_command_to_run(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "keys").write_text(content)

    with pytest.raises(ForbiddenError, match="openssl rand"):
        read_keys(tmp_path / "keys")


def test_no_key_is_kept_in_memory(keys: Path) -> None:
    assert GOOD not in repr(read_keys(keys))


def test_a_door_without_a_gate_is_not_opened(keys: Path) -> None:
    with pytest.raises(ForbiddenError, match="without a gate"):
        open_door(None, None, "facts.write")
    with pytest.raises(InvalidInputError, match="https"):
        open_door(keys, OidcSettings(issuer="http://id.example.org", audience="x"), "facts.write")


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def test_who_fails_too_often_waits_and_nobody_else_does(keys: Path) -> None:
    clock = Clock()
    door = Doorkeeper(read_keys(keys), "facts.write", FailureLimit(clock, burst=3, refill_s=10.0))
    for _ in range(3):
        with pytest.raises(UnauthenticatedError):
            door.admit("Bearer wrong-wrong-wrong", "192.0.2.1")

    with pytest.raises(OutOfResourcesError):
        door.admit(f"Bearer {GOOD}", "192.0.2.1")
    assert door.admit(f"Bearer {GOOD}", "192.0.2.2").name == "ehr"
    clock.now += 10.0
    assert door.admit(f"Bearer {GOOD}", "192.0.2.1").name == "ehr"


def test_addresses_that_failed_are_forgotten_before_they_fill_the_memory() -> None:
    limit = FailureLimit(Clock())
    for number in range(MAX_ADDRESSES + 10):
        limit.failed(str(number))

    assert len(limit._buckets) == MAX_ADDRESSES


@pytest.mark.parametrize(("guesser", "same", "other"), [
    ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"),
    ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
    ("fe80::1%eth0", "fe80::2", "fe81::1"),
])  # fmt: skip
def test_failures_are_counted_by_the_network_of_one_customer(guesser: str, same: str, other: str) -> None:
    limit = FailureLimit(clock=lambda: 0.0, burst=3)
    for _ in range(3):
        limit.failed(guesser)

    assert limit.blocked(same)
    assert not limit.blocked(other)
