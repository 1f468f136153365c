"""An inbox in plain files, for tests of what happens behind it: plain appends, the same promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from zlib import crc32

from services.dicom_listener.ports.inbox import Announced, Stored
from shared.storage.ranges import place_of


@dataclass(slots=True)
class FileSegments:
    """Implements ``ports.stores.Segments``; ``put`` is the door."""

    folder: Path
    records: dict[str, list[Stored]] = field(default_factory=dict)
    checksums: dict[str, int] = field(default_factory=dict)
    """By URI: what was erased since is passed over by a scan."""

    def put(self, segment: str, announced: Announced, content: bytes) -> Stored:
        """Append an object to a segment."""
        path = self.folder / segment
        with path.open("ab") as stream:
            offset = stream.tell()
            stream.write(content)
        end = offset + len(content)
        uri = f"{path.absolute().as_uri()}?offset={offset}&length={len(content)}"
        stored = Stored(announced, uri, segment, end)
        self.checksums[uri] = crc32(content)
        self.records.setdefault(segment, []).append(stored)
        return stored

    def names(self) -> tuple[str, ...]:
        """Return the names of all segments."""
        return tuple(sorted(self.records))

    def scan(self, segment: str, from_offset: int = 0) -> Iterator[Stored]:
        """Yield the objects from a record boundary on; the association's number is another life's."""
        for stored in list(self.records[segment]):
            if stored.end > from_offset and crc32(place_of(stored.uri).open().read()) == self.checksums[stored.uri]:
                yield replace(stored, announced=replace(stored.announced, association=9999))
