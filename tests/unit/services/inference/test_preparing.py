"""What is made ready while the network works."""

from __future__ import annotations

from threading import Event

import pytest

from services.inference.handlers.preparing import ahead


def test_the_next_batch_is_made_while_the_one_before_is_used() -> None:
    begun = {number: Event() for number in range(3)}

    def ready(number: int) -> int:
        begun[number].set()
        return 10 * number

    taken = ahead(range(3), ready)
    assert next(taken) == (0, 0)
    assert begun[1].wait(30.0)
    assert not begun[2].is_set()  # no further than one batch: memory
    assert list(taken) == [(1, 10), (2, 20)]


def test_what_cannot_be_made_is_told_to_whoever_takes_it() -> None:
    def ready(number: int) -> float:
        return 1 / number

    taken = ahead([1, 0, 1], ready)
    assert next(taken) == (1, 1.0)
    with pytest.raises(ZeroDivisionError):
        next(taken)


def test_of_nothing_nothing_is_made() -> None:
    assert list(ahead([], lambda one: one)) == []
