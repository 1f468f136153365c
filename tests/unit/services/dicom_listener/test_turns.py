"""Steps run together, and what must be alone waits for them and keeps others out."""

from __future__ import annotations

from threading import Event, Thread

import pytest

from services.dicom_listener.handlers.turns import Turns
from shared.domain.errors import UnavailableError


def test_whoever_must_be_alone_gives_up_while_a_step_is_in_hand() -> None:
    turns = Turns()
    with turns.together(), pytest.raises(UnavailableError), turns.alone(0.01):
        pytest.fail("not alone")

    with turns.alone(0.01):  # the one that gave up left nothing behind
        pass


def test_a_step_waits_until_whoever_is_alone_has_left() -> None:
    turns, ran = Turns(), Event()
    with turns.alone(1.0):
        thread = Thread(target=turns.step(ran.set))
        thread.start()
        assert not ran.wait(0.05)
    thread.join(5)

    assert ran.is_set()


def test_only_one_is_alone_at_a_time() -> None:
    turns = Turns()
    with turns.alone(1.0), pytest.raises(UnavailableError), turns.alone(0.01):
        pytest.fail("two are alone")
