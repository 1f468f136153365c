"""Files this service may not read, and shares that are not mounted: held and waited for, never taken to be deleted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from services.slide_ingestion.adapters import content
from services.slide_ingestion.adapters.folder_door import FolderDoor
from services.slide_ingestion.handlers.check import SlideClosedError
from services.slide_ingestion.handlers.closed import TryClosed
from services.slide_ingestion.ports.slides import SlideFile
from shared.domain.errors import UnavailableError
from tests.contract.slide_ingestion.conftest import SAID, SETTLE_S, Room

OTHER = SAID | {"container": "X", "slide": "9"}


@dataclass(frozen=True)
class Guarded(FolderDoor):
    """A share that gives some files to nobody; who runs the tests may be root, whom a mode does not stop."""

    kept_back: set[str] = field(default_factory=set)

    def readable(self, slide_id: str, files: Sequence[SlideFile]) -> bool:
        return not self.kept_back & {one.name for one in files} and super().readable(slide_id, files)


def test_a_slide_this_service_may_not_read_is_held_with_the_remedy_until_it_may(room: Room) -> None:
    door = Guarded("folder-1", room.inbox, 4, 1000, {"a.svs"})
    room.watch(door)
    closed = TryClosed(room.store, room.doors)
    room.drop("a.svs", **SAID)
    room.settle()
    assert room.states == ["held"]
    assert "make it readable by user" in room.rows[0].reason
    assert [kind for kind, _ in room.ledger.notices] == ["slide_held"]
    assert "a.svs" not in str(room.ledger.notices)

    closed()
    assert not room.check(), "nothing is looked into as long as nothing has changed"
    door.kept_back.clear()
    closed()
    room.work()
    assert room.states == ["submitted"]
    closed()
    assert not room.check()
    assert (len(room.told), len(room.ledger.notices)) == (1, 1)


def test_a_person_is_told_once_of_a_slide_that_may_not_be_read(room: Room) -> None:
    room.watch(Guarded("folder-1", room.inbox, 4, 1000, {"a.svs"}))
    room.drop("a.svs", **SAID)
    room.settle()
    room.say("a.svs", **(SAID | {"block": "2"}))
    room.settle()

    assert room.states == ["held"]
    assert len(room.ledger.notices) == 1


def test_a_file_is_closed_to_whom_the_system_does_not_let_read_it() -> None:
    with TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        shut, free = Path(place) / "shut", Path(place) / "free"
        for path, mode in ((shut, 0o000), (free, 0o644)):
            path.write_bytes(b"x")
            path.chmod(mode)
        child = os.fork()
        if not child:
            code = 3
            try:
                with suppress(PermissionError):
                    os.setuid(65534)  # who is not root already is somebody else
                code = _told_apart(shut, free)
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0


def _told_apart(shut: Path, free: Path) -> int:
    """Return 0 where both the probe and the digest tell the two apart."""
    try:
        content.digests([shut], 10)
    except SlideClosedError as error:
        named = "shut" in str(error)
        return 0 if content.may_read(free) and not content.may_read(shut) and not named else 1
    return 2


def test_an_unmounted_share_makes_nothing_go_and_is_taken_up_again_where_it_was(room: Room) -> None:
    room.drop("a.svs", **SAID)
    room.drop("b.svs", "PLAIN other", **OTHER)
    room.settle()
    share = room.folder / "share"
    room.inbox.rename(share)
    room.inbox.mkdir()
    for _ in range(2):
        with pytest.raises(UnavailableError, match="none of the 2 slides"):
            room.look()
        assert "is its share mounted" in room.look.trouble
        room.restart()
    assert [row.gone for row in room.rows] == [False, False]

    room.inbox.rmdir()
    share.rename(room.inbox)
    room.settle()
    assert room.look.trouble == ""
    assert (room.states, len(room.told)) == (["submitted", "submitted"], 2)


def test_another_folder_in_the_place_of_one_is_not_the_end_of_its_slides(room: Room) -> None:
    room.drop("a.svs", **SAID)
    room.settle()
    room.inbox.rename(room.folder / "share")
    room.inbox.mkdir()
    room.drop("NOT-MOUNTED.txt")
    with pytest.raises(UnavailableError, match="is its share mounted"):
        room.look()
    assert not room.rows[0].gone


def test_a_folder_that_is_emptied_is_empty(room: Room) -> None:
    path = room.drop("a.svs", **SAID)
    room.settle()
    path.unlink()
    (room.inbox / "a.svs.manifest.json").unlink()
    room.look()
    assert room.rows[0].gone


def test_a_slide_that_was_away_while_it_was_looked_into_is_looked_into_again(room: Room) -> None:
    room.drop("a.svs", **SAID)
    room.look()
    room.wait(SETTLE_S + 1)
    room.look()
    share = room.folder / "share"
    room.inbox.rename(share)
    room.check()
    share.rename(room.inbox)
    assert room.states == ["arriving"]

    room.settle()
    assert room.states == ["submitted"]
