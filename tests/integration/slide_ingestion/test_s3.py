"""A prefix of a bucket on a real S3 server: complete, fetched once, removed; keys never leave the service."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from services.slide_ingestion.adapters.ageing import SqlAgeing
from services.slide_ingestion.adapters.cache import SlideCache
from services.slide_ingestion.adapters.s3_door import S3Door, s3_door
from services.slide_ingestion.config import PrefixSettings
from services.slide_ingestion.handlers.closed import TryClosed
from services.slide_ingestion.handlers.retention import Sweep
from shared.domain.errors import OutOfResourcesError, UnavailableError
from shared.testing.ports import free_port
from shared.testing.s3_server import KEYS, S3Server
from shared.testing.small_disk import small_disk
from tests.contract.slide_ingestion.conftest import SAID, SETTLE_S, Room

pytestmark = pytest.mark.integration


@dataclass
class Scanner:
    """Writes below the prefix."""

    server: S3Server
    bucket: str

    def write(self, name: str, text: str = "PLAIN", **manifest: object) -> None:
        self.server.put(f"{self.bucket}/in/{name}", f"{text}\n".encode())
        if manifest:
            self.server.put(f"{self.bucket}/in/{name}.manifest.json", json.dumps(manifest).encode())


@pytest.fixture
def scanner(s3: S3Server) -> Scanner:
    bucket = f"slides-{uuid.uuid4().hex[:8]}"
    s3.make_bucket(bucket)
    return Scanner(s3, bucket)


def door_of(room: Room, scanner: Scanner, port: int = 0) -> S3Door:
    keys = room.folder / "keys"
    keys.write_text(KEYS)
    keys.chmod(0o600)
    endpoint = f"http://127.0.0.1:{port}" if port else scanner.server.url
    settings = PrefixSettings(name="scanner", bucket=scanner.bucket, prefix="in/", endpoint_url=endpoint,
                              credentials_file=keys)  # fmt: skip
    return s3_door(settings, room.cache, 100)


@pytest.fixture
def bucket(room: Room, scanner: Scanner) -> Room:
    room.watch(door_of(room, scanner))
    return room


def fetched(room: Room) -> list[Path]:
    return sorted(path for path in (room.folder / "cache").rglob("*") if path.is_file() and path.suffix)


def test_a_slide_in_a_bucket_becomes_a_case_and_lies_in_the_cache_under_our_name(
    bucket: Room, scanner: Scanner
) -> None:
    scanner.write("Doe^Jane 1950.svs", **SAID)
    bucket.settle()

    (study,) = [study for _, study in bucket.ledger.studies]
    uri = study.instances[0].blob_uri
    assert bucket.states == ["submitted"]
    assert "Jane" not in uri
    assert Path(uri.removeprefix("file://")).read_text() == "PLAIN\n"
    assert uri.startswith((bucket.folder / "cache").as_uri())


def test_an_object_that_is_written_again_waits_until_its_etag_stands_still(bucket: Room, scanner: Scanner) -> None:
    scanner.write("a.svs", **SAID)
    bucket.look()
    bucket.wait(SETTLE_S - 1)
    scanner.write("a.svs", "PLAIN whole now")
    bucket.look()
    bucket.wait(2)
    bucket.look()
    bucket.work()
    assert bucket.states == ["arriving"]

    bucket.settle()
    assert bucket.states == ["submitted"]


def test_an_object_replaced_between_listing_and_fetching_is_looked_at_again(bucket: Room, scanner: Scanner) -> None:
    scanner.write("a.svs", **SAID)
    bucket.look()
    bucket.wait(SETTLE_S + 1)
    bucket.look()
    scanner.write("a.svs", "PLAIN !")
    bucket.check()
    assert bucket.states == ["arriving"]

    bucket.settle()
    assert bucket.states == ["submitted"]
    assert fetched(bucket)[0].read_text() == "PLAIN !\n"


def test_an_mrxs_slide_keeps_its_folder_and_loses_its_name(bucket: Room, scanner: Scanner) -> None:
    scanner.write("Jane.mrxs", **SAID)
    scanner.write("Jane/Slidedat.ini", "x")
    scanner.write("Jane/Data0000.dat", "y")
    scanner.write("Jane/Doe Jane 1950.xml", "z")
    scanner.write("Jane/more/Doe.Jane", "z")
    bucket.settle()

    slide = bucket.folder / "cache" / bucket.rows[0].slide_id
    assert bucket.states == ["submitted"]
    assert {path.relative_to(slide).as_posix() for path in fetched(bucket)} == {
        "slide.mrxs", "slide/Data0000.dat", "slide/Slidedat.ini", "slide/0002.xml",
    }  # fmt: skip
    assert not [path for path in slide.rglob("*") if "Jane" in path.name]
    assert (slide / "slide" / "0004").read_text() == "z\n"


def test_an_index_names_its_files_so_they_keep_their_names_and_it_loses_its_own(bucket: Room, scanner: Scanner) -> None:
    scanner.write("Jane.vms", **SAID, files=["Jane.vms", "part-1.jpg"])
    scanner.write("part-1.jpg", "y")
    bucket.settle()

    assert bucket.states == ["submitted"]
    assert [path.name for path in fetched(bucket)] == ["part-1.jpg", "slide.vms"]


class Forbidding:
    """A bucket whose policy keeps objects back: the server of the tests has no policies."""

    def __init__(self, files: Any) -> None:
        self._files, self.forbids = files, True

    def __getattr__(self, name: str) -> Any:
        if name in {"get_file", "cat_file"} and self.forbids:
            return self._refuse
        return getattr(self._files, name)

    def _refuse(self, key: str, *_: object, **__: object) -> None:
        raise PermissionError(13, "Access Denied", key)


def test_an_object_that_is_kept_back_is_held_with_the_remedy_until_it_is_given_out(
    room: Room, scanner: Scanner
) -> None:
    door = door_of(room, scanner)
    forbidding = Forbidding(door.files)
    room.watch(replace(door, files=forbidding))
    closed = TryClosed(room.store, room.doors)
    scanner.write("Jane.svs")
    room.settle()
    closed()
    assert room.states == ["held"]
    assert "s3:GetObject" in room.rows[0].reason
    assert "Jane" not in str(room.ledger.notices)
    assert not room.check()

    forbidding.forbids = False
    closed()
    room.work()
    assert room.states == ["held"]
    assert room.rows[0].digest
    assert not room.rows[0].closed


def test_nothing_is_fetched_onto_a_full_disk_and_the_slide_comes_when_there_is_room(
    room: Room, scanner: Scanner, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", 8) as disk:
        if not disk.own:
            pytest.skip("this machine lets nobody mount a small disk")
        room.cache = SlideCache(disk.folder / "cache", 0)
        room.watch(door_of(room, scanner))
        scanner.write("a.svs", "PLAIN " + "x" * 2_000_000, **SAID)
        disk.fill(leave_bytes=1_000_000)
        with pytest.raises((OutOfResourcesError, UnavailableError)):
            room.settle()
        assert room.states == ["checking"]
        assert not list(disk.folder.rglob("*.svs"))

        disk.relieve()
        room.work()
        assert room.states == ["submitted"]


def test_a_disk_that_fills_while_it_is_fetched_leaves_no_half_slide(
    room: Room, scanner: Scanner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "disk", 8) as disk:
        if not disk.own:
            pytest.skip("this machine lets nobody mount a small disk")
        cache = SlideCache(disk.folder / "cache", 0)
        # Somebody else fills the disk after we looked how much is free.
        monkeypatch.setattr(SlideCache, "make", _without_looking)
        room.cache = cache
        room.watch(door_of(room, scanner))
        scanner.write("a.svs", "PLAIN " + "x" * 2_000_000, **SAID)
        disk.fill(leave_bytes=1_000_000)
        with pytest.raises(OutOfResourcesError):
            room.settle()
        assert [path for path in disk.folder.rglob("*") if path.suffix == ".svs"] == []


def _without_looking(self: SlideCache, slide_id: str, needed_bytes: int) -> Path:
    place = self.folder / f"{slide_id}.part"
    place.mkdir(parents=True, exist_ok=True)
    return place


def test_a_bucket_that_does_not_answer_makes_nothing_go(bucket: Room, scanner: Scanner) -> None:
    scanner.write("a.svs", **SAID)
    bucket.settle()
    bucket.watch(door_of(bucket, scanner, port=free_port()))
    with pytest.raises(UnavailableError) as error:
        bucket.look()

    assert scanner.bucket not in str(error.value)
    assert not bucket.rows[0].gone


def test_more_objects_than_are_looked_at_are_refused_as_a_whole(bucket: Room, scanner: Scanner) -> None:
    scanner.write("a.svs")
    scanner.write("b.svs")
    bucket.watch(replace(door_of(bucket, scanner), most_entries=1))

    with pytest.raises(OutOfResourcesError):
        bucket.look()


def test_a_listing_without_end_is_not_read_to_its_end(
    bucket: Room, scanner: Scanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        scanner.write(f"{number}.svs")
    door = replace(door_of(bucket, scanner), most_entries=2)
    listed: list[int] = []
    find = door.files.find

    def counted(*arguments: object, **named: object) -> object:
        found = find(*arguments, **named)
        listed.append(len(found))
        return found

    monkeypatch.setattr(door.files, "find", counted)
    with pytest.raises(OutOfResourcesError):
        door.look()
    assert listed == [3]


def test_what_was_fetched_is_removed_after_the_result_or_by_age(bucket: Room, scanner: Scanner) -> None:
    scanner.write("a.svs", **SAID)
    bucket.settle()
    answered: list[str] = []
    ageing = SqlAgeing(bucket.engine, bucket.now)

    def sweep(*, done: bool, cache_days: float = 30.0) -> None:
        def is_answered(uid: str) -> bool:
            answered.append(uid)
            return done

        Sweep(bucket.store, bucket.cache, ageing, is_answered, cache_days, 0.0, 365)()

    sweep(done=False)
    assert len(fetched(bucket)) == 1
    sweep(done=True)
    assert fetched(bucket) == []
    assert answered[0] == bucket.ledger.studies[0][1].study_instance_uid

    nobodys = "f" * 32
    bucket.cache.make(nobodys, 0)
    bucket.cache.keep(nobodys)
    assert [name for name, _ in bucket.cache.held()] == [nobodys]
    at_work = bucket.cache.folder / "looked-into"
    at_work.mkdir()
    sweep(done=False, cache_days=1e-9)
    assert list(bucket.cache.held()) == []
    assert at_work.is_dir()


def test_a_slide_whose_copy_was_removed_is_fetched_again_when_a_person_speaks_about_it(
    bucket: Room, scanner: Scanner
) -> None:
    scanner.write("a.svs", "NO-MPP", **SAID)
    bucket.settle()
    Sweep(bucket.store, bucket.cache, SqlAgeing(bucket.engine, bucket.now), lambda _: True, 30.0, 0.0, 365)()
    assert fetched(bucket) == []

    bucket.set_resolution(bucket.rows[0].slide_id, 0.25, "jane", "service report of the scanner")
    assert bucket.states == ["checking"]
    bucket.work()
    assert len(fetched(bucket)) == 1
    assert [one.refused for one in bucket.told] == ["resolution_unknown", ""]
    assert not any(one.taken_back for one in bucket.told)


def test_what_was_left_half_fetched_is_removed_at_the_next_start(tmp_path: Path) -> None:
    cache = SlideCache(tmp_path / "cache", 0)
    cache.make("e" * 32, 0)
    cache.clear()
    assert list(cache.folder.iterdir()) == []
