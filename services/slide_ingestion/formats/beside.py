"""Which manifest speaks about which slide, and what it orders."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath

from services.slide_ingestion.formats.manifest import MOST_BYTES, Manifest, ManifestRow, read_manifest
from services.slide_ingestion.handlers.grouping import DICOM, MANIFESTS, Listing
from services.slide_ingestion.handlers.look import Beside
from services.slide_ingestion.handlers.whose import MANIFEST
from services.slide_ingestion.ports.doors import Door, Entry
from shared.domain.errors import InvalidInputError, NotFoundError, TemporaryError
from shared.domain.identity import IdentityMap
from shared.domain.slide_orders import OrderStatus, SlideOrder


@dataclass(frozen=True, slots=True)
class _Read:
    stamp: tuple[int, str]
    digest: str
    recorded: datetime
    manifest: Manifest | None
    problem: str = ""


@dataclass(slots=True)
class ReadManifests:
    """Implements ``handlers.look.Manifests``; a manifest is read once as long as it stays as it is."""

    identities: IdentityMap
    now: Callable[[], datetime]
    _known: dict[tuple[str, str], _Read] = field(default_factory=dict)

    def __call__(self, door: Door, listing: Listing) -> Mapping[str, Beside]:
        """Return by the place of a slide what the manifests beside it say."""
        found: dict[str, Beside] = {}
        seen = set()
        slides = _by_name(listing)
        for entry in listing.manifests:
            key = (door.name, entry.name)
            seen.add(key)
            for place, one in self._of(door, entry, listing, slides).items():
                found[place] = _joined(found.get(place), one)
        for key in [one for one in self._known if one[0] == door.name and one not in seen]:
            del self._known[key]
        return found

    def _of(self, door: Door, entry: Entry, listing: Listing, slides: Mapping[str, Sequence[str]]) -> dict[str, Beside]:
        if listing.unfinished(entry.name):
            return {}
        named = slides.get(_bare(entry.name), ())
        try:
            read = self._read(door, entry)
        except TemporaryError:
            # One that cannot be opened holds up the slide it is named after, and no other one.
            return {place: Beside(missing=True) for place in named}
        if read.manifest is None:
            return {place: Beside(misstated=read.problem) for place in named}
        found: dict[str, Beside] = {}
        for number, row in enumerate(read.manifest.rows):
            folder = PurePosixPath(entry.name).parent
            files = tuple(str(folder / name) for name in row.files)
            places = [_place(files[0])] if files else list(named)
            order = self._order(door, entry, number, row, read)
            missing = any(name not in listing.entries for name in files)
            for place in places:
                found[place] = _joined(found.get(place), Beside((order,), "", files, missing))
        return found

    def _read(self, door: Door, entry: Entry) -> _Read:
        key, stamp = (door.name, entry.name), (entry.size, entry.stamp)
        known = self._known.get(key)
        if known is None or known.stamp != stamp:
            self._known[key] = known = self._fresh(door, entry)
        return known

    def _fresh(self, door: Door, entry: Entry) -> _Read:
        stamp, now = (entry.size, entry.stamp), self.now()
        if entry.oddity:
            return _Read(stamp, "", now, None, entry.oddity)
        try:
            content = door.read(entry.name, MOST_BYTES)
            return _Read(stamp, hashlib.sha256(content).hexdigest(), now, read_manifest(entry.name, content))
        except (InvalidInputError, NotFoundError) as error:
            problem = str(error) if isinstance(error, InvalidInputError) else "it is gone"
            return _Read(stamp, "", now, None, problem)

    def _order(self, door: Door, entry: Entry, number: int, row: ManifestRow, read: _Read) -> SlideOrder:
        place = hashlib.sha256(f"{door.name}|{entry.name}|{number}|{'|'.join(row.files)}".encode()).hexdigest()
        return SlideOrder(
            order_id=f"{MANIFEST}:{place[:32]}",
            source=MANIFEST,
            version=read.digest,
            status=OrderStatus.WITHDRAWN if row.withdrawn else OrderStatus.ACTIVE,
            identity=row.identity(self.identities),
            demographics=row.demographics,
            specimen=row.specimen_named,
            container=row.container,
            recorded_time=read.recorded,
            stain=row.stain,
            tissue=row.tissue,
            after_therapy=row.after_therapy,
            side=row.side,
            reason=row.withdrawn,
        )


def _bare(name: str) -> str:
    """Return what a manifest is named after: ``a.svs`` of ``a.svs.manifest.json``, ``a`` of ``a.manifest.json``."""
    return next(name[: -len(ending)] for ending in MANIFESTS if name.lower().endswith(ending))


def _by_name(listing: Listing) -> Mapping[str, Sequence[str]]:
    """Return the places of slides by the names a manifest may have after them; folders too."""
    found: dict[str, list[str]] = {}
    for one in listing.candidates():
        for name in {one.place.rstrip("/"), _stem(one.place)}:
            found.setdefault(name, []).append(one.place)
    return found


def _stem(place: str) -> str:
    return str(PurePosixPath(place.rstrip("/")).with_suffix("")) if not place.endswith("/") else place.rstrip("/")


def _place(first: str) -> str:
    path = PurePosixPath(first)
    return f"{path.parent}/" if path.suffix.lower() == DICOM else first


def _joined(one: Beside | None, other: Beside) -> Beside:
    if one is None:
        return other
    return Beside(
        (*one.orders, *other.orders), one.misstated or other.misstated, one.files or other.files,
        one.missing or other.missing,
    )  # fmt: skip
