"""One look at a door: what is new, what has changed, what stood still long enough, what is gone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from services.slide_ingestion.handlers.grouping import Candidate, Listing
from services.slide_ingestion.handlers.judging import JudgeSlides
from services.slide_ingestion.handlers.naming import Names
from services.slide_ingestion.ports.doors import Door, Entry
from services.slide_ingestion.ports.slides import SlideFile, SlideRow
from services.slide_ingestion.ports.store import Store, Writing
from shared.domain.errors import TemporaryError, UnavailableError
from shared.domain.slide_orders import SlideOrder
from shared.domain.slide_registry import SlideState

log = structlog.get_logger("oncorelay.slide_ingestion")

_MOST_WAITING = 1000
Signature = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Beside:
    """What manifests say about one slide."""

    orders: tuple[SlideOrder, ...] = ()
    misstated: str = ""
    files: tuple[str, ...] = ()
    """What the slide consists of, where a manifest says so."""
    missing: bool = False
    """True: some of them are not there, or the manifest itself cannot be read now."""


class Manifests(Protocol):
    """Reads the manifests of one look."""

    def __call__(self, door: Door, listing: Listing) -> Mapping[str, Beside]:
        """Return by the name of a slide's first file what is said about it."""
        ...


@dataclass(slots=True)
class _Seen:
    signature: Signature
    since: float
    done: bool = False


@dataclass(slots=True)
class LookAtDoor:
    """Looks once per call; ``ticks`` is a clock that never goes back, in seconds."""

    door: Door
    store: Store
    judge: JudgeSlides
    manifests: Manifests
    names: Names
    ticks: Callable[[], float]
    settle_s: float
    new_slide_id: Callable[[], str]
    _seen: dict[str, _Seen] | None = None
    _mounted: str = ""
    """What the place was recognised by when it was looked at last."""
    trouble: str = field(default="it was not looked at yet", init=False)
    """Why the last look failed; for health."""

    def __call__(self) -> None:
        """Look.

        Raises:
            TemporaryError: If the door or the database cannot be reached now.
        """
        try:
            self._look()
        except TemporaryError as error:
            self.trouble = f"the last look failed: {error}"
            raise
        except Exception:
            self.trouble = "the last look failed"
            raise
        self.trouble = ""

    def _look(self) -> None:
        if self._seen is None:
            self._seen = {row.place: _Seen(_of_row(row), self.ticks(), row.state is not SlideState.ARRIVING)
                          for row in self.store.rows(self.door.name) if not row.gone}  # fmt: skip
        listing = self._listed_now(self._seen)
        self._wake_waiting(self._seen)
        beside = self.manifests(self.door, listing)
        there = {}
        for candidate in listing.candidates():
            whole = _listed(candidate, beside.get(candidate.place), listing)
            there[candidate.place] = whole
            self._look_at(whole, beside.get(candidate.place) or Beside())
        for place in [one for one in self._seen if one not in there]:
            self._gone(place)

    def _listed_now(self, seen: Mapping[str, _Seen]) -> Listing:
        """Return what is there, unless something else stands in the place of what was: nothing of it is gone then."""
        mounted = self.door.mounted()
        listing = Listing.of(self.door.look())
        if self.door.mounted() != mounted:
            raise UnavailableError(f"{self.door.name} was mounted, or unmounted, while it was looked at")
        known = mounted == self._mounted
        is_another = not known and bool(self._mounted or not listing.entries)
        if is_another and seen and not any(one.place in seen for one in listing.candidates()):
            raise UnavailableError(
                f"{self.door.name} shows none of the {len(seen)} slides it had and is not the folder it was, or is "
                f"empty: is its share mounted?"
            )
        self._mounted = mounted
        return listing

    def _wake_waiting(self, seen: Mapping[str, _Seen]) -> None:
        """Have a slide stand still anew that was sent back while it was looked into and then looks as it did before."""
        for row in self.store.newest(SlideState.ARRIVING, _MOST_WAITING):
            known = seen.get(row.place) if row.door == self.door.name else None
            if known is not None and known.done:
                known.done, known.since = False, self.ticks()

    def _look_at(self, candidate: Candidate, beside: Beside) -> None:
        seen = self._known
        known, signature = seen.get(candidate.place), _signature(candidate, beside)
        if known is None or known.signature != signature:
            fresh = _Seen(signature, self.ticks())
            seen[candidate.place] = fresh
            fresh.done = not self._arrived(candidate)
            return
        if known.done or candidate.waits or self.ticks() - known.since < self.settle_s:
            return
        self._complete(candidate, beside)
        known.done = True

    @property
    def _known(self) -> dict[str, _Seen]:
        return self._seen if self._seen is not None else {}

    def _arrived(self, candidate: Candidate) -> bool:
        """Note what is new or has changed; False where it shall not be taken in."""
        waits = f"it waits for {candidate.waits}" if candidate.waits else "its writer may not have finished"
        with self.store.writing() as writing:
            if writing.was_erased(mark_of(self.names, self.door.name, candidate.place, candidate.files)):
                return False
            row = writing.at(self.door.name, candidate.place)
            files = _files(candidate)
            if row is None:
                row = SlideRow(self.new_slide_id(), self.door.name, candidate.place, files, SlideState.ARRIVING, waits,
                               writing.now, writing.now)  # fmt: skip
                log.info("slide_seen", slide_id=row.slide_id, door=self.door.name)
            same = not row.gone and _stamps(row.files) == _stamps(files)
            if same and row.state is not SlideState.ARRIVING:
                return True  # only what stands beside it has changed
            writing.keep(replace(row, state=SlideState.ARRIVING, reason=waits, state_time=writing.now, gone=False))
        return True

    def _complete(self, candidate: Candidate, beside: Beside) -> None:
        with self.store.writing() as writing:
            row = writing.at(self.door.name, candidate.place)
            if row is None:
                return
            row = replace(row, stated=beside.orders, misstated=beside.misstated)
            if candidate.refused:
                writing.keep(_refused(row, candidate.refused, writing))
                return
            files = _files(candidate)
            if row.digest and _stamps(row.files) == _stamps(files) and row.state is not SlideState.CHECKING:
                writing.keep(_look_again(row, writing))
                self.judge(writing, [row.slide_id])
                return
            evidence = f"size and times of {len(files)} file(s) stood still for {self.settle_s:g} s, no lock is there"
            # What a person stated was about the picture that lay there, and this may be another one.
            person = row.person if _stamps(row.files) == _stamps(files) else None
            writing.keep(replace(
                row, files=files, state=SlideState.CHECKING, reason="it is looked into", state_time=writing.now,
                evidence=evidence, digest="", description=None, trouble=None, compared="", tried=(), barcode_order="",
                person=person, uncached=False,
            ))  # fmt: skip
        log.info("slide_complete", slide_id=row.slide_id, door=self.door.name)

    def _gone(self, place: str) -> None:
        with self.store.writing() as writing:
            row = writing.at(self.door.name, place)
            if row is not None:
                writing.keep(replace(row, gone=True))
                if row.digest or row.trouble:
                    self.judge(writing, [row.slide_id])
                else:
                    writing.forget(row.slide_id)
        self._known.pop(place, None)


def mark_of(names: Names, door: str, place: str, files: Iterable[Entry | SlideFile]) -> str:
    """Return what a slide is recognised by after it was erased: nothing of it can be read from the mark."""
    return names.mark("erased", door, place, *(f"{one.name}|{one.size}|{one.stamp}" for one in files))


def _refused(row: SlideRow, why: str, writing: Writing) -> SlideRow:
    if row.state is not SlideState.REFUSED:
        writing.tell("slide_refused", f"Slide {row.slide_id[:8]}: {why}.")
    return replace(row, state=SlideState.REFUSED, reason=why, state_time=writing.now)


def _look_again(row: SlideRow, writing: Writing) -> SlideRow:
    """Return a slide about which a manifest says something new: its barcode may have to be compared again."""
    containers = {one.container for one in row.stated if one.container}
    if row.description and row.description.associated and containers - {row.compared}:
        return replace(row, state=SlideState.CHECKING, reason="its barcode is compared again", state_time=writing.now)
    return row


def _listed(candidate: Candidate, beside: Beside | None, listing: Listing) -> Candidate:
    """Return the slide with the files its manifest names."""
    if beside is None or candidate.refused or not (beside.files or beside.missing):
        return candidate
    named = [listing.entries[name] for name in beside.files if name in listing.entries]
    odd = next((one.oddity for one in named if one.oddity), "")
    rest = [one for one in candidate.files if one not in named]
    if beside.missing:
        return replace(candidate, waits="its manifest, or files that one lists")
    waits = "" if candidate.waits.startswith("a manifest") else candidate.waits
    return Candidate(candidate.place, (*named, *rest), waits, odd)


def _files(candidate: Candidate) -> tuple[SlideFile, ...]:
    return tuple(SlideFile(one.name, one.size, one.stamp) for one in candidate.files)


def _stamps(files: Sequence[SlideFile]) -> list[tuple[str, int, str]]:
    return [(one.name, one.size, one.stamp) for one in files]


def _signature(candidate: Candidate, beside: Beside) -> Signature:
    files = tuple((one.name, one.size, one.stamp) for one in candidate.files)
    return files, candidate.waits, candidate.refused, _digest(beside.orders, beside.misstated)


def _of_row(row: SlideRow) -> Signature:
    return tuple(_stamps(row.files)), "", "", _digest(row.stated, row.misstated)


def _digest(orders: Sequence[SlideOrder], misstated: str) -> str:
    text = "|".join(f"{one.order_id} {one.version}" for one in orders)
    return hashlib.sha256(f"{text}|{misstated}".encode()).hexdigest()
