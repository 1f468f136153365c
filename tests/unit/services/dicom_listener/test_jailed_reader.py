"""Objects that crash, stall or blow up what reads them cost only themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from struct import pack

import psutil
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from services.dicom_listener.adapters.jailed_reader import CHECK, READ, READ_LIMITS, JailedReader
from services.dicom_listener.adapters.segment_folder import MARKER
from services.dicom_listener.ports.inbox import Announced, Stored
from services.dicom_listener.ports.records import InstanceStored
from services.dicom_listener.ports.stores import Unread
from shared.dicom.fingerprint import Fingerprint
from shared.dicom.pixels import PixelOutcome
from shared.domain.errors import UnavailableError
from shared.jail.jail import Jail
from shared.jail.limits import Limits
from shared.storage.blobs import LocalBlobs
from shared.testing.dicom import encoded, small_series
from shared.testing.ports import wait_until

_PIXELS = b"\xe0\x7f\x10\x00OW\0\0"


@pytest.fixture
def image() -> Dataset:
    return small_series(1)[0]


@pytest.fixture(scope="module")
def jail() -> Iterator[Jail]:
    jail = Jail([READ, CHECK], READ_LIMITS)
    yield jail
    jail.close()


@pytest.fixture
def reader(jail: Jail, tmp_path: Path) -> JailedReader:
    return JailedReader(jail, jail, LocalBlobs(tmp_path))


def _stored(folder: Path, content: bytes, name: str = "one.seg", syntax: str = ExplicitVRLittleEndian) -> Stored:
    (folder / name).write_bytes(content)
    uri = f"{(folder / name).as_uri()}?offset=0&length={len(content)}"
    return Stored(Announced("1.2", "1.2.3", syntax, "PACS", 1), uri, name, len(content))


def _instance(stored: Stored) -> InstanceStored:
    return InstanceStored("1.2.3", 1, "1.2", "1.2.4", "1.2.5", "MR", "c", "i", stored.uri, "PACS", "t")


def _child(jail: Jail) -> psutil.Process:
    assert jail.warm() is not None
    (child,) = jail._idle
    return psutil.Process(child.pid)


def test_a_batch_is_read_in_order_and_only_the_bad_one_is_unread(
    reader: JailedReader, tmp_path: Path, image: Dataset
) -> None:
    images = small_series(3)
    contents = [encoded(images[0]), b"nonsense", encoded(images[2])]
    first, second, third = reader.read(
        [_stored(tmp_path, content, f"{index}.seg") for index, content in enumerate(contents)]
    )

    assert isinstance(first, Fingerprint)
    assert isinstance(third, Fingerprint)
    assert [first.header.sop_instance_uid, third.header.sop_instance_uid] == [
        images[0].SOPInstanceUID,
        images[2].SOPInstanceUID,
    ]
    assert second == Unread("preamble: not a DICOM file: the prefix DICM is missing")


def test_what_is_outside_the_store_or_gone_is_unread(reader: JailedReader, tmp_path: Path, image: Dataset) -> None:
    gone = _stored(tmp_path, encoded(image))
    (tmp_path / MARKER).touch()
    (tmp_path / "one.seg").unlink()
    outside = Stored(gone.announced, Path("/etc/hostname").as_uri() + "?offset=0&length=1", "x", 1)

    assert reader.read([gone, outside]) == (Unread("it is no longer on disk"),) * 2


def test_what_is_not_there_and_was_not_proven_to_be_removed_is_trouble_that_passes(
    reader: JailedReader, tmp_path: Path, image: Dataset
) -> None:
    absent = _stored(tmp_path, encoded(image))
    (tmp_path / "one.seg").unlink()

    with pytest.raises(UnavailableError):
        reader.read([absent])
    with pytest.raises(UnavailableError):
        reader.check([_instance(absent)])


def test_an_object_that_vanishes_on_the_way_into_the_jail_is_trouble_that_passes(
    reader: JailedReader, tmp_path: Path, image: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = _stored(tmp_path, encoded(image))
    (tmp_path / "one.seg").unlink()
    monkeypatch.setattr(JailedReader, "_bytes_there", lambda *_: 100)

    with pytest.raises(UnavailableError):
        reader.read([absent])
    with pytest.raises(UnavailableError):
        reader.check([_instance(absent)])


def test_an_object_that_takes_too_long_is_the_only_one_that_suffers(tmp_path: Path, image: Dataset) -> None:
    """Millions of elements take longer than this jail's second of processor time."""
    endless = encoded(image) + pack("<HH2sH", 0x7FE1, 0x0010, b"UL", 0) * 2_000_000
    jail = Jail([READ], Limits(cpu_s=1))
    reader = JailedReader(jail, jail, LocalBlobs(tmp_path))
    try:
        good, bad = reader.read([_stored(tmp_path, encoded(image), "a"), _stored(tmp_path, endless, "b")])
    finally:
        jail.close()

    assert isinstance(good, Fingerprint)
    assert bad == Unread("reading it takes longer than an object may")


def test_a_child_that_is_killed_from_outside_condemns_nobody(
    reader: JailedReader, jail: Jail, tmp_path: Path, image: Dataset
) -> None:
    child = _child(jail)
    child.kill()
    wait_until(lambda: child.status() == psutil.STATUS_ZOMBIE, "its end")

    (read,) = reader.read([_stored(tmp_path, encoded(image))])
    assert isinstance(read, Fingerprint)


def test_750_mb_are_read_in_less_than_200_mb_of_memory(reader: JailedReader, jail: Jail, tmp_path: Path) -> None:
    """The digest of a sparse file with an image's header in front; most of it lies in no block of the disk."""
    (image,) = small_series(1)
    content = encoded(image)
    size = 750_000_000
    where = content.index(_PIXELS) + len(_PIXELS)
    path = tmp_path / "one.seg"
    path.write_bytes(content[:where] + pack("<I", size))
    os.truncate(path, where + 4 + size)
    large = Stored(
        Announced("1.2", "1.2.3", ExplicitVRLittleEndian, "PACS", 1),
        f"{path.as_uri()}?offset=0&length={where + 4 + size}",
        "one.seg",
        where + 4 + size,
    )

    (read,) = reader.read([large])

    assert isinstance(read, Fingerprint)
    status = Path(f"/proc/{_child(jail).pid}/status").read_text()
    peak_kb = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
    assert 10_000 < peak_kb < 200_000


def _bomb(image: Dataset, syntax: UID, frame: bytes) -> bytes:
    image.file_meta.TransferSyntaxUID = syntax
    image.Rows = image.Columns = 20_000
    image.PixelData = encapsulate([frame])
    image["PixelData"].VR = "OB"
    return encoded(image)


def test_a_run_length_bomb_ends_as_a_reason(tmp_path: Path, image: Dataset) -> None:
    """20,000 x 20,000 pixels of 16 bits out of 12 MB of run lengths: decoded it takes more than this jail has."""
    runs = b"\x81\0" * (20_000 * 20_000 // 128)
    frame = pack("<16I", 2, 64, 64 + len(runs), *[0] * 13) + runs + runs
    jail = Jail([CHECK], Limits(memory_mb=256))
    reader = JailedReader(jail, jail, LocalBlobs(tmp_path))
    bomb = _instance(_stored(tmp_path, _bomb(image, RLELossless, frame)))
    good = _instance(_stored(tmp_path, encoded(small_series(1)[0]), "good.seg"))
    try:
        first, second = reader.check([bomb, good])
    finally:
        jail.close()

    assert first.outcome in (PixelOutcome.DANGEROUS, PixelOutcome.UNDECODABLE)
    assert second.outcome is PixelOutcome.READABLE


def test_noise_for_a_native_decoder_ends_as_a_reason(reader: JailedReader, tmp_path: Path, image: Dataset) -> None:
    noise = b"\xff\x4f\xff\x51" + bytes(range(256)) * 64
    stored = _stored(tmp_path, _bomb(image, JPEG2000Lossless, noise))

    (check,) = reader.check([_instance(stored)])
    assert check.outcome in (PixelOutcome.UNDECODABLE, PixelOutcome.DANGEROUS)


def test_pixels_of_what_is_gone_or_unreadable_are_not_looked_at(reader: JailedReader, tmp_path: Path) -> None:
    stored = _stored(tmp_path, b"nonsense")
    (tmp_path / MARKER).touch()
    gone = Stored(stored.announced, stored.uri.replace("one.seg", "two.seg"), "two.seg", 8)

    checks = reader.check([_instance(stored), _instance(gone)])
    assert [check.outcome for check in checks] == [PixelOutcome.NOT_LOOKED_AT] * 2
