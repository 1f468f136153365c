"""The slides' database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from services.slide_ingestion.ports.slides import SlideRow
from shared.domain.slide_orders import SlideOrder
from shared.domain.slide_registry import SlideState
from shared.domain.study import Study


class Writing(Protocol):
    """One transaction that no other one overlaps."""

    @property
    def now(self) -> datetime:
        """The time of this transaction."""
        ...

    def slide(self, slide_id: str) -> SlideRow | None:
        """Return the slide of this id."""
        ...

    def at(self, door: str, place: str) -> SlideRow | None:
        """Return the slide at this place of a door."""
        ...

    def keep(self, row: SlideRow) -> None:
        """Insert or replace a slide."""
        ...

    def forget(self, slide_id: str) -> None:
        """Remove a slide."""
        ...

    def of_digest(self, digest: str) -> tuple[SlideRow, ...]:
        """Return the slides with this content, the one seen first in front."""
        ...

    def of_glass(self, glass: str) -> tuple[SlideRow, ...]:
        """Return the slides that are pictures of this glass, the one seen first in front."""
        ...

    def touched_by(self, order: SlideOrder) -> tuple[str, ...]:
        """Return the slides that name the order's container or glass, or that had it before."""
        ...

    def without_order(self) -> tuple[SlideRow, ...]:
        """Return the slides that wait for an order, newest first, a thousand at most."""
        ...

    def order(self, order_id: str) -> SlideOrder | None:
        """Return the current version of an order."""
        ...

    def keep_order(self, order: SlideOrder) -> None:
        """Make this the current version of its order."""
        ...

    def orders_for(self, names: Sequence[str]) -> tuple[SlideOrder, ...]:
        """Return the orders, withdrawn ones too, that go by one of these keys of glass."""
        ...

    def submit(self, key: str, slide_id: str, study: Study, request_id: str) -> None:
        """Have results told."""
        ...

    def submitted(self, key: str) -> Study | None:
        """Return what results has, or will have, under this key."""
        ...

    def tell(self, kind: str, text: str) -> None:
        """Have a person told."""
        ...

    def was_erased(self, mark: str) -> bool:
        """Tell whether the slide with this mark (see ``handlers.look``) was erased."""
        ...


class Store(Protocol):
    """The slides' database."""

    def writing(self) -> AbstractContextManager[Writing]:
        """Open a transaction.

        Raises:
            TemporaryError: If the database cannot be reached, or its disk is full.
        """
        ...

    def rows(self, door: str) -> tuple[SlideRow, ...]:
        """Return every slide of a door."""
        ...

    def row(self, slide_id: str) -> SlideRow | None:
        """Return one slide."""
        ...

    def to_check(self) -> SlideRow | None:
        """Return the slide that waits longest to be looked into."""
        ...

    def closed(self) -> tuple[SlideRow, ...]:
        """Return the slides that are held because this service may not read them."""
        ...

    def open_containers(self, limit: int) -> tuple[tuple[str, str], ...]:
        """Return (order id, container) of active orders no slide has yet, the newest first."""
        ...

    def newest(self, state: SlideState | None, limit: int) -> tuple[SlideRow, ...]:
        """Return slides, newest first."""
        ...

    def named(self, prefix: str) -> tuple[SlideRow, ...]:
        """Return slides whose id begins so, two at most."""
        ...

    def cases_of(self, keys: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return the cases results made of these submissions."""
        ...
