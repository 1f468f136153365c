"""Which studies are on their way, who brings them, and since when nothing followed. In memory; rebuilt on recovery."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from shared.observability.tracing import Pending, begin

_MOST_TRACES = 32
"""Associations of one study that its trace names."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One study that must be judged."""

    study_instance_uid: str
    sender: str
    open: bool
    """True while an association that brought part of it is open."""
    clean: bool
    """True where every association since the last cut one was released in order and refused nothing."""
    silent_s: float
    """Seconds since the last object, or the end of the last association."""
    traces: tuple[str, ...] = ()
    """Associations that brought it, as W3C traceparent; none where nothing is traced."""


@dataclass(slots=True)
class _Association:
    sender: str
    opened_at: float
    refused: bool = False
    studies: set[str] = field(default_factory=set)
    trace: Pending = field(default_factory=Pending)


@dataclass(slots=True)
class _State:
    sender: str
    last_at: float
    open: set[int] = field(default_factory=set)
    traces: set[str] = field(default_factory=set)
    spoiled_at: float | None = None
    """When an association that brought part of the study was cut, or brought something that was refused."""
    whole_since: float = float("-inf")
    """When the newest of the associations that ended in order began."""

    @property
    def clean(self) -> bool:
        """Tell whether whatever was cut was followed by an association that ended in order."""
        return self.spoiled_at is None or self.whole_since >= self.spoiled_at


class StudyWatch:
    """Thread-safe. ``ticks`` counts seconds and never goes back.

    What a door tells is heard later than it happened; ``at`` says when it did, and is now where it is left out.
    """

    def __init__(self, ticks: Callable[[], float]) -> None:
        self._ticks = ticks
        self._lock = Lock()
        self._associations: dict[int, _Association] = {}
        self._studies: dict[str, _State] = {}

    def opened(self, association: int, sender: str, at: float | None = None) -> None:
        """An association was accepted."""
        with self._lock:
            self._associations[association] = _Association(sender, self._at(at), trace=begin("association"))

    def arrived(self, association: int, study_instance_uid: str, at: float | None = None) -> None:
        """An association brought an instance of this study (a known one counts as well)."""
        with self._lock:
            source = self._associations[association]
            source.studies.add(study_instance_uid)
            state = self._studies.setdefault(study_instance_uid, _State(source.sender, 0.0))
            state.sender, state.last_at = source.sender, max(state.last_at, self._at(at))
            state.open.add(association)
            if source.trace.traceparent and len(state.traces) < _MOST_TRACES:
                state.traces.add(source.trace.traceparent)

    def refused(self, association: int) -> None:
        """An object was refused: what this association brought is not known to be all."""
        with self._lock:
            self._associations[association].refused = True

    def ended(self, association: int, *, released: bool, at: float | None = None) -> None:
        """The association is over, and everything it brought was told by ``arrived``."""
        with self._lock:
            source = self._associations.pop(association, None)
            if source:
                source.trace.end()
            for study in source.studies & self._studies.keys() if source else ():
                self._end(self._studies[study], association, source, self._at(at), released=released)

    def _at(self, at: float | None) -> float:
        return self._ticks() if at is None else at

    @staticmethod
    def _end(state: _State, association: int, source: _Association | None, now: float, *, released: bool) -> None:
        state.open.discard(association)
        state.last_at = max(state.last_at, now)
        if source is None or not released or source.refused:
            state.spoiled_at = max(state.spoiled_at or now, now)
        else:
            state.whole_since = max(state.whole_since, source.opened_at)

    def resume(self, study_instance_uid: str, sender: str) -> None:
        """Watch a study left over from before a restart: how its association ended is not known."""
        with self._lock:
            now = self._ticks()
            self._studies[study_instance_uid] = _State(sender, now, spoiled_at=now)

    def forget(self, study_instance_uid: str) -> None:
        """Watch a study no longer: nothing of it is left."""
        with self._lock:
            self._studies.pop(study_instance_uid, None)

    def watched(self) -> tuple[Watched, ...]:
        """Return every study that is not settled."""
        with self._lock:
            now = self._ticks()
            return tuple(
                Watched(
                    study,
                    state.sender,
                    bool(state.open),
                    state.clean,
                    now - state.last_at,
                    tuple(state.traces),
                )
                for study, state in self._studies.items()
            )

    def settle(self, seen: Watched) -> bool:
        """Stop watching a judged study; False (and watched on) where something arrived since ``seen``."""
        with self._lock:
            state = self._studies.get(seen.study_instance_uid)
            if state is None or bool(state.open) != seen.open or self._ticks() - state.last_at < seen.silent_s:
                return False
            del self._studies[seen.study_instance_uid]
            return True

    def put_back(self, judged: Watched) -> None:
        """Watch a settled study again, as if its last object came now: it was judged and could not be recorded."""
        with self._lock:
            now = self._ticks()
            spoiled_at = None if judged.clean else now
            self._studies.setdefault(judged.study_instance_uid, _State(judged.sender, now, spoiled_at=spoiled_at))
