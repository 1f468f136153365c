"""How much one answer may hold: what a caller asks for, within bounds."""

from __future__ import annotations

LARGEST_PAGE = 1000


def page(asked: int, default: int, largest: int = LARGEST_PAGE) -> int:
    """Return the number of rows of an answer; nothing asked (0, or less) means ``default``."""
    return min(asked, largest) if asked > 0 else default
