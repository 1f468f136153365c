"""An inbox whose segments have names that a test chooses; the records are real ones."""

from __future__ import annotations

from zlib import crc32

from services.dicom_listener.adapters.segment_scan import stored
from services.dicom_listener.adapters.segments import Segments
from services.dicom_listener.formats.segment_record import SegmentRecord, padded, to_page
from services.dicom_listener.ports.inbox import Announced, Stored


class FileSegments(Segments):
    """``put`` is the door."""

    def put(self, segment: str, announced: Announced, content: bytes) -> Stored:
        """Append an object to a segment."""
        with (self.folder / segment).open("ab") as stream:
            stamp = self.stamp()
            record = SegmentRecord(segment, stream.tell(), len(content), crc32(content), stamp, announced)
            stream.write(to_page(record) + content.ljust(padded(len(content)), b"\0"))
        return stored(record, self.folder)
