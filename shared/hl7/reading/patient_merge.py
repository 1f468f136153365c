"""ADT^A40 "merge patient - patient identifier list" -> the one event (HL7 v2.5.1 chapter 3, 3.3.40).

MRG-1 names the identifier that ends, PID-3 the one that survives; both are CX: ID ^ check digit ^ scheme ^ assigning
authority (HD: namespace & universal id & type). Bounded: whatever is larger than a merge can be is refused unread.
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.domain.errors import InvalidInputError
from shared.domain.governance import PatientChange, PatientChangeKind
from shared.domain.identity import IdentityMap, PatientIdentity

MAX_BYTES = 64 * 1024
MAX_SEGMENTS = 200
_SEPARATORS = 5  # MSH-1 and the four characters of MSH-2, HL7 v2.5.1 2.5.4


def read_merge(message: bytes, identities: IdentityMap) -> tuple[PatientChange, ...]:
    """Return the merges of one ADT^A40 message, one per PID and MRG pair.

    Raises:
        InvalidInputError: If it is no A40 we can act on; names the field.
    """
    segments = _segments(message)
    header = segments[0].split(segments[0][3])
    if len(header) < 10 or not header[8].startswith(f"ADT{segments[0][4]}A40"):
        raise InvalidInputError("MSH-9", "not an ADT^A40")
    reading = _Reading(segments[0], identities, header[9])
    changes, survivor = [], None
    for segment in segments[1:]:
        kind = segment[:3]
        if kind == "PID":
            survivor = reading.identity(segment, 3, "PID-3")
        elif kind == "MRG":
            changes.append(reading.merge(segment, survivor))
            survivor = None
    if not changes:
        raise InvalidInputError("MRG", "an A40 names who was merged")
    return tuple(changes)


class _Reading:
    """One message with its separators."""

    def __init__(self, header: str, identities: IdentityMap, control_id: str) -> None:
        self._field, self._component, self._repetition, _, self._subcomponent = list(header[3:8])
        self._by_name: Mapping[str, str] = {
            row.hl7_authority: row.name for row in identities.authorities if row.hl7_authority
        }
        self._message = f"ADT^A40 {control_id[:64]}"

    def merge(self, segment: str, survivor: PatientIdentity | None) -> PatientChange:
        """Return the merge of one MRG."""
        ends = self.identity(segment, 1, "MRG-1")
        if survivor is None:
            raise InvalidInputError("PID", "an MRG follows the PID of the patient who survives")
        if ends == survivor:
            raise InvalidInputError("MRG-1", "names the patient who survives")
        return PatientChange(PatientChangeKind.MERGE, ends, survivor, self._message)

    def identity(self, segment: str, number: int, element: str) -> PatientIdentity:
        """Return the one identity of a repeated CX under the site's map."""
        fields = segment.split(self._field)
        repetitions = fields[number].split(self._repetition) if len(fields) > number else []
        found = {identity for cx in repetitions if (identity := self._identity(cx, element))}
        if len(found) != 1:
            raise InvalidInputError(element, "exactly one identifier of an authority in the site's map is needed")
        return found.pop()

    def _identity(self, cx: str, element: str) -> PatientIdentity | None:
        parts = cx.split(self._component)
        authority = parts[3].split(self._subcomponent)[0] if len(parts) > 3 else ""
        name = self._by_name.get(authority)
        if name is None or not parts[0]:
            return None
        try:
            return PatientIdentity(name, parts[0])
        except ValueError:
            raise InvalidInputError(element, "cannot be an identifier") from None


def _segments(message: bytes) -> list[str]:
    if len(message) > MAX_BYTES:
        raise InvalidInputError("message", f"longer than {MAX_BYTES} bytes")
    try:
        text = message.decode()
    except UnicodeDecodeError:
        raise InvalidInputError("MSH-18", "not UTF-8") from None
    segments = [segment for segment in text.replace("\n", "\r").split("\r", MAX_SEGMENTS) if segment]
    if len(segments) > MAX_SEGMENTS:
        raise InvalidInputError("message", f"more than {MAX_SEGMENTS} segments")
    head = segments[0] if segments else ""
    if not head.startswith("MSH") or len(set(head[3 : 3 + _SEPARATORS])) != _SEPARATORS:
        raise InvalidInputError("MSH", "does not begin with MSH and five different separators")
    return segments
