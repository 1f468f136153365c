"""Data sets that lie: lengths, nesting, frames, identifiers, character sets, compression."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pydicom import dcmread

from tests.bench.hostility.attack import Answer, Attack, Doors, Ending, Maker
from tests.bench.hostility.bytes_mutants import ANY
from tests.bench.load.dimse import Context
from tests.bench.load.store_scu import EXPLICIT_LITTLE, MR_IMAGE, NotTakenError, StoreScu
from tests.bench.load.studies import StudyToSend

DEFLATED = "1.2.840.10008.1.2.1.99"
_UID_PATHS = (
    "../../../../etc/passwd", "1.2/../../3", "/etc/shadow", "1.2\\..\\3", "1.2.3\0.4", "file:///etc/passwd", "..", ".",
    "1." * 40, "1.2.3; rm", "%2e%2e%2f", "", "\u202e1.2.3", "9" * 64, "CON",
)  # fmt: skip
_CHARSETS = (
    "ISO 2022 IR 87",
    "ISO 2022 IR 100\\ISO 2022 IR 87",
    "ISO_IR 192",
    "GB18030",
    "LATIN-9",
    "",
    "\\\\\\",
    "A" * 500,
)
_RAW_NAMES = (b"\x1b$B;3ED^\x1b(B", b"\xff\xfe\xfd\xfc", b"\xc4\xe3\xba\xc3", b"^" * 200, b"\x1b" * 40)
_PIXELS = struct.pack("<HH", 0x7FE0, 0x0010)


@dataclass(frozen=True, slots=True)
class Seed:
    """A good object."""

    sop_class: str
    sop_instance: str
    syntax: str
    data_set: bytes


def phantom_seed(study: StudyToSend) -> Seed:
    """Return the first object of a study that would lead to a prediction."""
    first = next(study.instances())
    return Seed(MR_IMAGE, first.sop_instance_uid, EXPLICIT_LITTLE, first.data_set)


def real_seeds(folder: Path, most_bytes: int = 600_000) -> list[Seed]:
    """Return real objects in explicit little endian and compressed syntaxes, those that are small enough."""
    seeds = []
    for path in sorted(folder.rglob("*.dcm")):
        if path.stat().st_size <= most_bytes:
            found = dcmread(path)
            syntax = str(found.file_meta.TransferSyntaxUID)
            content = path.read_bytes()
            start = 144 + int.from_bytes(content[140:144], "little")
            seeds.append(Seed(str(found.SOPClassUID), str(found.SOPInstanceUID), syntax, content[start:]))
    return seeds


Source = Callable[[random.Random, int], tuple[str, Seed]]
"""Makes kind and object of a number."""


def damaged(seeds: list[Seed]) -> Source:
    """Any damage to the bytes of any seed."""

    def make(chance: random.Random, number: int) -> tuple[str, Seed]:
        mutant, seed = ANY[number % len(ANY)], chance.choice(seeds)
        return mutant.__name__, replace(seed, data_set=mutant(chance, seed.data_set))

    return make


def lying(seed: Seed) -> Source:
    """Well-formed lies, one kind after the other."""
    kinds: tuple[Callable[[random.Random, Seed], Seed], ...] = (
        _wrong_length, _endless_nesting, _endless_item, _many_frames, _path_in_uid, _path_in_request, _odd_charset,
        _strange_vr, _huge_element, _bomb, _twice_the_same_tag, _other_instance, _no_study, _wrong_endian, _empty,
    )  # fmt: skip

    def make(chance: random.Random, number: int) -> tuple[str, Seed]:
        kind = kinds[number % len(kinds)]
        return kind.__name__.strip("_"), kind(chance, seed)

    return make


def by_c_store(source: Source) -> Maker:
    """Send what the source makes by C-STORE."""
    return lambda chance, number: store(*source(chance, number))


def store(kind: str, seed: Seed) -> Attack:
    """Return the case that sends ``seed`` by C-STORE."""

    def strike(doors: Doors) -> Answer:
        context = Context(1, seed.sop_class, (seed.syntax,))
        try:
            with StoreScu(doors.dicom_port, contexts=(context,), timeout_s=doors.patience_s) as association:
                status = association.store(seed.sop_instance, seed.data_set, seed.sop_class)
                if status == 0:
                    association.release()
                return Answer(Ending.TAKEN if status == 0 else Ending.REFUSED, f"0x{status & 0xFFFF:04X}")
        except TimeoutError:
            return Answer(Ending.SILENT)
        except NotTakenError as error:
            return Answer(Ending.REFUSED, str(error)) if error.spoken else Answer(Ending.SILENT, "closed")
        except OSError as error:
            return Answer(Ending.SILENT, type(error).__name__)

    return Attack("c-store", kind, strike)


def _wrong_length(chance: random.Random, seed: Seed) -> Seed:
    """Another length in the header of one of the first elements."""
    content, at = bytearray(seed.data_set), 0
    for _ in range(chance.randrange(1, 12)):
        if at + 8 > len(content) or bytes(content[at : at + 4]) == _PIXELS:
            break
        last, at = at, at + 8 + struct.unpack_from("<H", content, at + 6)[0]
    struct.pack_into("<H", content, last + 6, chance.choice((0xFFFF, 1, 3, 0xFFFE, 0x8000, 0)))
    return replace(seed, data_set=bytes(content))


def _sequence(content: bytes) -> bytes:
    """A sequence of undefined length that never ends (PS3.5 7.5)."""
    return struct.pack("<HH2sHI", 0x0040, 0x0275, b"SQ", 0, 0xFFFFFFFF) + content


def _before_pixels(seed: Seed, content: bytes) -> Seed:
    at = seed.data_set.rfind(_PIXELS)
    return replace(seed, data_set=seed.data_set[:at] + content + seed.data_set[at:])


def _endless_nesting(chance: random.Random, seed: Seed) -> Seed:
    opening = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    return _before_pixels(seed, (_sequence(opening)) * chance.choice((2, 40, 1000, 20_000)))


def _endless_item(chance: random.Random, seed: Seed) -> Seed:
    return _before_pixels(seed, _sequence(struct.pack("<HHI", 0xFFFE, 0xE000, chance.choice((0xFFFFFFF0, 7, 2**31)))))


def _many_frames(chance: random.Random, seed: Seed) -> Seed:
    frames = chance.choice((b"65535 ", b"99999999999 ", b"-1", b"1e9 ", b"0 "))
    at = seed.data_set.find(struct.pack("<HH", 0x0028, 0x0010))
    element = struct.pack("<HH2sH", 0x0028, 0x0008, b"IS", len(frames)) + frames
    return replace(seed, data_set=seed.data_set[:at] + element + seed.data_set[at:])


def _path_in_uid(chance: random.Random, seed: Seed) -> Seed:
    """A path where a UID belongs, in object and request alike."""
    uid = chance.choice(_UID_PATHS)
    return replace(seed, sop_instance=uid, data_set=_with(seed.data_set, 0x0008, 0x0018, uid.encode("utf-8")))


def _path_in_request(chance: random.Random, seed: Seed) -> Seed:
    return replace(seed, sop_instance=chance.choice(_UID_PATHS))


def _odd_charset(chance: random.Random, seed: Seed) -> Seed:
    content = _with(seed.data_set, 0x0008, 0x0005, chance.choice(_CHARSETS).encode())
    return replace(seed, data_set=_with(content, 0x0010, 0x0010, chance.choice(_RAW_NAMES)))


def _strange_vr(chance: random.Random, seed: Seed) -> Seed:
    content = bytearray(seed.data_set)
    content[4:6] = chance.choice((b"ZZ", b"\0\0", b"UN", b"SQ", b"\xff\xff", b"OB"))
    return replace(seed, data_set=bytes(content))


def _huge_element(chance: random.Random, seed: Seed) -> Seed:
    """An element that says it is 4 GB."""
    header = struct.pack("<HH2sHI", 0x0009, 0x1001, b"OB", 0, chance.choice((0xFFFFFFFE, 0x7FFFFFFF, 0xFFFFFFFF)))
    return _before_pixels(seed, header)


def _bomb(chance: random.Random, seed: Seed) -> Seed:
    """Deflated: a few hundred kilobytes that inflate to hundreds of megabytes."""
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    megabytes = chance.choice((50, 300))
    head = seed.data_set[: seed.data_set.rfind(_PIXELS)]
    pixels = _PIXELS + b"OW\0\0" + struct.pack("<I", megabytes << 20)
    zeros = bytes(1 << 20)
    body = b"".join([engine.compress(head + pixels), *(engine.compress(zeros) for _ in range(megabytes))])
    return replace(seed, syntax=DEFLATED, data_set=body + engine.flush())


def _twice_the_same_tag(chance: random.Random, seed: Seed) -> Seed:
    """A second Patient ID behind the first: whose is it?"""
    return _before_pixels(seed, struct.pack("<HH2sH", 0x0010, 0x0020, b"LO", 6) + b"OTHER ")


def _other_instance(chance: random.Random, seed: Seed) -> Seed:
    return replace(seed, sop_instance=f"2.25.{chance.getrandbits(100)}")


def _no_study(chance: random.Random, seed: Seed) -> Seed:
    return replace(seed, data_set=_with(seed.data_set, 0x0020, 0x000D, b""))


def _wrong_endian(chance: random.Random, seed: Seed) -> Seed:
    swapped = bytearray(seed.data_set[: len(seed.data_set) // 2 * 2])
    swapped[0::2], swapped[1::2] = swapped[1::2], swapped[0::2]
    return replace(seed, data_set=bytes(swapped))


def _empty(chance: random.Random, seed: Seed) -> Seed:
    return replace(seed, data_set=chance.choice((b"", b"\0", bytes(8), b"DICM")))


def _with(content: bytes, group: int, element: int, value: bytes) -> bytes:
    """Replace the value of a short element; the length is right, the value may be anything."""
    at = content.find(struct.pack("<HH", group, element))
    if at < 0:
        return content
    value = value[:65534] + b"\0" * (len(value) % 2)
    length = struct.unpack_from("<H", content, at + 6)[0]
    return content[: at + 6] + struct.pack("<H", len(value)) + value + content[at + 8 + length :]
