"""How much one answer may hold."""

from __future__ import annotations

import pytest

from services.results.ledger.pages import page


@pytest.mark.parametrize(("asked", "given"), [(0, 100), (-1, 100), (7, 7), (1000, 1000), (2_000_000_000, 1000)])
def test_a_page_is_bounded_whatever_is_asked(asked: int, given: int) -> None:
    assert page(asked, 100) == given
