"""Asking the FHIR server: what notifications named, what it holds about a new case's patient, and what changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from services.lab_consumer.handlers.judge import FACT_TYPES
from services.lab_consumer.handlers.notification import Target
from services.lab_consumer.handlers.pages import Page, TakePages
from services.lab_consumer.handlers.searches import CODE, code_searches
from services.lab_consumer.ports.pulling import FhirSource, GoneError, PullQueue, Wish
from shared.domain.errors import OncoRelayError, PermanentError, TemporaryError
from shared.domain.identity import IdentityMap, PatientIdentity
from shared.domain.pauses import Pauses
from shared.fhir.reading.catalogue import QUESTIONS

AT_ONCE = 50
"""Wishes looked up together."""
ASKED_OF_A_PATIENT = tuple(kind for kind in FACT_TYPES if kind not in ("Patient", "Specimen", "Medication"))
"""Searched by patient; Specimens and Medications are fetched where something refers to them."""
_MOST_KNOWN = 100_000
_ESCAPED = str.maketrans({character: f"\\{character}" for character in "\\,|$"})
"""FHIR R4 3.1.1.4.0.1: what separates values within a search parameter."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is asked for."""

    page_size: int
    max_pages: int
    """Of one search. More than these are a search that does not end, or one too large for its cause."""
    overlap: timedelta
    """So far before the newest known change polling begins again: changes may become visible late."""


@dataclass(frozen=True, slots=True)
class Pull:
    """Ask the FHIR server and receive what it answers, exactly like what is sent to us."""

    source: FhirSource
    queue: PullQueue
    take: TakePages
    identities: IdentityMap
    bounds: Bounds
    pauses: Pauses
    now: Callable[[], datetime]
    failed: Callable[[str, OncoRelayError], None]
    """Told what could not be asked, and why; it is asked again."""
    polled: tuple[str, ...] = FACT_TYPES
    """Types that are asked for what changed."""
    _known: dict[str, frozenset[str]] = field(default_factory=dict)
    """Versions that the last poll of a type saw: in the overlap they come again, and are not looked at again."""
    _by_code: list[str] = field(default_factory=list)
    """See ``code_searches``; empty: not read yet."""

    def ask_for(self, identity: PatientIdentity) -> bool:
        """Wish for what the server holds about a patient nobody asked about before; tell whether that is new."""
        return bool(self.queue.want([Wish(identity=identity)], self.now()))

    def wishes(self) -> int:
        """Fulfil what is due; return how many were. A failure costs the one that failed a pause, and no other.

        Raises:
            TemporaryError: If the server, or our own database, cannot be reached now.
        """
        due = self.queue.due(self.now(), AT_ONCE)
        return sum(self._fulfil(wish) for wish in due)

    def poll(self) -> None:
        """Ask of every type what changed.

        Raises:
            OncoRelayError: Why the first type that failed did; every type was tried, unless the server is away.
        """
        trouble: OncoRelayError | None = None
        for kind in self.polled:
            try:
                self._poll(kind)
            except TemporaryError:
                raise
            except PermanentError as error:
                self.failed(kind, error)
                trouble = trouble or error
        if trouble:
            raise trouble

    def _fulfil(self, wish: Wish) -> bool:
        try:
            lacking = self._lacking(wish)
        except OncoRelayError as error:
            self.failed(wish.resource_type or "record", error)
            pause = self.pauses.after(wish.tries)
            self.queue.postpone(wish, self.now() + max(pause, timedelta(seconds=getattr(error, "after_s", 0.0))))
            if isinstance(error, TemporaryError):
                raise  # the others would only wait for the same server
            return False
        self._want(lacking)
        self.queue.settle(wish, self.now())
        return True

    def _lacking(self, wish: Wish) -> frozenset[Target]:
        """Fulfil a wish; return what is lacking now."""
        return self._record(wish.identity) if wish.identity else self._one((wish.resource_type, wish.resource_id))

    def _one(self, wanted: Target) -> frozenset[Target]:
        try:
            body = self.source.read(*wanted)
        except GoneError:
            self.take.gone(wanted)
            return frozenset()
        if body is None:
            self.take.missing(wanted)
            return frozenset()
        return self.take.resource(body, wanted)

    def _record(self, identity: PatientIdentity) -> frozenset[Target]:
        """Ask for a patient's record: first who she is there, then every type facts are read from."""
        authority = self.identities.authority(identity.authority)
        if authority is None or not authority.fhir_system:
            return frozenset()
        value = f"{authority.fhir_system.translate(_ESCAPED)}|{identity.identifier.translate(_ESCAPED)}"
        found = list(self._pages(self.source.search("Patient", [("identifier", value)])))
        lacking = frozenset[Target]().union(*(page.lacking for page in found))
        for patient in dict.fromkeys(name for page in found for name in page.patients):
            for kind in ASKED_OF_A_PATIENT:
                for parameters in self._about(patient, kind):
                    pages = self._pages(self.source.search(kind, parameters))
                    lacking = lacking.union(*(page.lacking for page in pages))
        return lacking

    def _about(self, patient: str, kind: str) -> list[list[tuple[str, str]]]:
        """Return the parameters of each search that is needed."""
        parameters = [("patient", f"Patient/{patient}"), ("_count", str(self.bounds.page_size))]
        if kind != "Observation":
            return [parameters]
        codes = [*QUESTIONS, *self.take.receive.site_codes.rows]
        wanted = ",".join(f"{system}|{code}" for system, code in codes)
        return [[*parameters, (name, wanted)] for name in self._code_searches()]

    def _code_searches(self) -> tuple[str, ...]:
        """Return by which parameters codes are searched; what the server says of that is read once."""
        if not self._by_code:
            try:
                self._by_code.extend(code_searches(self.source.capability(), self.take.limits))
            except PermanentError:
                return CODE
        return tuple(self._by_code)

    def _poll(self, kind: str) -> None:
        """Ask what changed; the cursor moves with every page, as long as pages come in order."""
        newest = self.queue.cursor(kind)
        if not newest:
            newest = _stamp(self.now())
            self.queue.advance(kind, newest)
        start, ordered = _stamp(_moment(newest) - self.bounds.overlap), True
        latest, versions = _stamp(self.now() + self.bounds.overlap), set[str]()
        known = self._known.get(kind, frozenset())
        for page in self._pages(self.source.changed(kind, start, self.bounds.page_size), known):
            self._want(page.lacking)
            versions |= page.versions
            # What claims to be of the future must not have everything until then overlooked.
            seen = [moment for moment in map(_stamped, page.updated) if moment and moment <= latest]
            ordered = ordered and seen == sorted(seen) and (not seen or seen[0] >= start)
            newest = max([newest, *seen])
            if ordered or not page.next:
                self.queue.advance(kind, newest)
            start = max([start, *seen])
        self._known[kind] = frozenset(versions if len(versions) <= _MOST_KNOWN else ())

    def _pages(self, first: bytes, known: frozenset[str] = frozenset()) -> Iterator[Page]:
        body = first
        for _ in range(self.bounds.max_pages):
            page = self.take.page(body, known)
            yield page
            if not page.next:
                return
            body = self.source.page(page.next)
        raise PermanentError(f"more than {self.bounds.max_pages} pages: it does not end, or max_pages is too small")

    def _want(self, lacking: frozenset[Target]) -> None:
        if lacking:
            self.queue.want([Wish(*found) for found in sorted(lacking)], self.now())


def _stamp(moment: datetime) -> str:
    """Return a FHIR instant in UTC with milliseconds: such sort as text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _stamped(text: str) -> str:
    """Return ``meta.lastUpdated`` as we write instants; empty where it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return _stamp(moment) if moment.tzinfo else ""
