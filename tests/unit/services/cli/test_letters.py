"""``oncorelay letters resend --sink``: every dead letter once, however many pages that is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from services.cli import letters
from shared.domain.case import Currency, DeliveryState
from shared.domain.deliveries import Letter
from shared.domain.errors import ConflictError

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def letter(number: int) -> Letter:
    return Letter(f"{number:032}", "case", "finding", 1, "pacs", "dicom-cstore", DeliveryState.DEAD_LETTER, 8, "full",
                  Currency.CURRENT, NOW, maybe_there=False)  # fmt: skip


@dataclass
class Ledger:
    """Dead letters, oldest first; some must not be sent any more and stay on the list."""

    dead: list[Letter]
    refused: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)

    def list_deliveries(self, state: DeliveryState, *, sink: str, page_size: int) -> tuple[Letter, ...]:
        return tuple(self.dead[:page_size])

    def resend_delivery(self, delivery_id: str, actor: str, reason: str) -> str:
        self.asked.append(delivery_id)
        if delivery_id in self.refused:
            raise ConflictError("a later result took its place")
        self.dead = [row for row in self.dead if row.delivery_id != delivery_id]
        return delivery_id


@pytest.mark.parametrize("refused", [0, 1])
def test_every_dead_letter_of_a_sink_is_sent_again_page_after_page(
    monkeypatch: pytest.MonkeyPatch, refused: int
) -> None:
    monkeypatch.setattr(letters, "MOST_LETTERS", 2)
    rows = [letter(number) for number in range(7)]
    ledger = Ledger(list(rows), frozenset(row.delivery_id for row in rows[:refused]))
    done, trouble = letters._resend_all(cast("Any", ledger), "pacs", "there is room again")

    assert (done, len(trouble)) == (7 - refused, refused)
    assert ledger.asked == [row.delivery_id for row in rows]
