"""From a file that is still written to a case, and everything that may happen to it on the way."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sql

from services.slide_ingestion.adapters import ageing as ageing_module
from services.slide_ingestion.adapters.ageing import SqlAgeing
from services.slide_ingestion.adapters.folder_door import FolderDoor
from services.slide_ingestion.handlers.grouping import Candidate, Listing
from shared.domain.errors import UnavailableError
from tests.contract.slide_ingestion.conftest import MRN1, SAID, SETTLE_S, Room, order


def test_a_slide_is_complete_only_when_its_writer_stood_still(room: Room) -> None:
    path = room.drop("a.svs", **SAID)
    for _ in range(3):
        room.look()
        room.wait(SETTLE_S - 1)
        with path.open("a") as stream:
            stream.write("more\n")
    room.look()
    room.work()
    assert room.states == ["arriving"]

    room.settle()
    assert room.states == ["submitted"]


@pytest.mark.parametrize("companion", ["a.svs.lock", "a.lock", "a.svs.part", "a.part", "a.svs.tmp", "a.tmp", "a.svs~"])
def test_a_writers_companion_is_waited_for(room: Room, companion: str) -> None:
    room.drop("a.svs", **SAID)
    (room.inbox / companion).touch()
    room.settle()
    assert room.states == ["arriving"]
    assert "lock" in room.rows[0].reason

    (room.inbox / companion).unlink()
    room.settle()
    assert room.states == ["submitted"]


def test_an_mrxs_slide_waits_for_its_folder_and_is_one_slide(room: Room) -> None:
    room.drop("a.mrxs", **SAID)
    room.settle()
    assert room.states == ["arriving"]
    assert "Slidedat.ini" in room.rows[0].reason

    (room.inbox / "a").mkdir()
    (room.inbox / "a" / "Slidedat.ini").write_text("x")
    (room.inbox / "a" / "Data0000.dat").write_text("y")
    room.settle()
    assert room.states == ["submitted"]
    assert len(room.ledger.studies[0][1].instances) == 3


def test_a_folder_with_what_is_no_dicom_is_told_as_unreadable(room: Room) -> None:
    room.drop("case/level0.dcm", "PLAIN and a good deal longer than the others")
    room.drop("case/level1.dcm")
    room.say("case", **SAID)
    room.settle()

    assert [one.refused for one in room.told] == ["unreadable_slide"]
    assert "DICOM" in room.told[0].refused_text


def test_a_label_with_a_manifest_of_its_own_does_not_contest_the_slide(room: Room) -> None:
    room.drop("a.svs", **SAID)
    room.drop("b.svs", "BESIDE", **SAID)
    room.settle()

    assert room.states == ["submitted", "refused"]
    assert room.rows[1].reason == "It holds only the label of a slide."
    assert (len(room.told), room.ledger.notices) == (1, [])


def test_files_a_manifest_lists_are_waited_for(room: Room) -> None:
    room.drop("a.vms", **(SAID | {"files": ["a.vms", "a(0,0).jpg"]}))
    room.settle()
    assert room.states == ["arriving"]

    (room.inbox / "a(0,0).jpg").write_text("x")
    room.settle()
    assert room.states == ["submitted"]
    assert len(room.ledger.studies[0][1].instances) == 2


def test_one_csv_may_speak_about_many_slides(room: Room) -> None:
    room.drop("a.svs")
    room.drop("b.svs", "PLAIN b")
    (room.inbox / "batch.manifest.csv").write_text(
        "files,accession,slide,patient_id,issuer,after_therapy\na.svs,S1,1,MRN1,HOSP,no\nb.svs,S1,2,MRN1,HOSP,\n"
    )
    room.settle()

    assert room.states == ["submitted", "submitted"]
    assert [one.after_therapy for one in room.told] == [False, None]


def test_the_same_slide_twice_is_one_case(room: Room) -> None:
    room.drop("a.svs", **SAID)
    room.settle()
    room.drop("again.svs", **SAID)
    room.settle()

    assert room.states == ["submitted", "refused"]
    assert "same picture" in room.rows[1].reason
    assert len(room.ledger.studies) == 1


def test_a_copy_nobody_ordered_does_not_take_the_case_from_the_one_that_was_ordered(room: Room) -> None:
    room.drop("a.svs")
    room.settle()
    room.drop("ordered.svs", **SAID)
    room.settle()

    assert room.states == ["held", "submitted"]
    assert len(room.told) == 1


def test_a_slide_that_was_moved_stays_its_case(room: Room) -> None:
    path = room.drop("a.svs", **SAID)
    room.settle()
    path.rename(room.inbox / "b.svs")
    (room.inbox / "a.svs.manifest.json").rename(room.inbox / "b.svs.manifest.json")
    room.settle()

    assert room.rows[1].state.value == "submitted"
    uids = {study.study_instance_uid for _, study in room.ledger.studies}
    assert len(uids) == 1
    assert room.ledger.studies[-1][1].instances[0].blob_uri.endswith("b.svs")
    assert all(one.taken_back == "" for one in room.told)


def test_one_barcode_on_two_slides_holds_both_and_takes_the_case_back(room: Room) -> None:
    room.drop("a.svs", **SAID)
    room.settle()
    room.drop("b.svs", "PLAIN another picture", **SAID)
    room.settle()

    assert room.states == ["held", "held"]
    assert [one.taken_back != "" for one in room.told] == [False, True]
    assert [kind for kind, _ in room.ledger.notices] == ["slide_held", "slide_held"]

    (room.inbox / "b.svs").unlink()
    room.settle()
    assert room.rows[0].state.value == "submitted"
    assert room.told[-1].taken_back == ""


def test_one_picture_under_two_orders_is_held_twice(room: Room) -> None:
    room.drop("a.svs", **SAID)
    room.settle()
    room.drop("b.svs", **(SAID | {"container": "S26-1-A-1-4", "slide": "4", "patient_id": "MRN2"}))
    room.settle()

    assert room.states == ["held", "held"]
    assert room.told[-1].taken_back


def test_a_slide_replaced_in_its_place_supersedes(room: Room) -> None:
    room.drop("a.svs", **SAID)
    room.settle()
    room.drop("a.svs", "PLAIN a better scan")
    room.settle()

    first, second = [study for _, study in room.ledger.studies]
    assert first.study_instance_uid == second.study_instance_uid
    assert first.instances[0].content_digest != second.instances[0].content_digest
    assert room.states == ["submitted"]


def test_a_slide_written_to_while_it_is_read_waits_until_it_stands_still(room: Room) -> None:
    path = room.drop("a.svs", **SAID)
    room.looker.meanwhile = path
    room.look()
    room.wait(SETTLE_S + 1)
    room.look()
    room.check()
    assert room.states == ["arriving"]
    assert room.told == []

    room.settle()
    assert room.states == ["submitted"]


def test_a_manifest_that_cannot_be_opened_holds_up_its_own_slide_only(room: Room) -> None:
    @dataclass(frozen=True)
    class Closed(FolderDoor):
        def read(self, name: str, limit: int) -> bytes:
            if name.startswith("closed"):
                raise UnavailableError("EACCES")
            return super().read(name, limit)

    room.watch(Closed("folder-1", room.inbox, 4, 1000))
    room.drop("closed.svs", **SAID)
    room.drop("open.svs", "PLAIN other", **(SAID | {"container": "S26-1-A-1-4", "slide": "4"}))
    room.settle()

    assert room.states == ["arriving", "submitted"]
    room.restart()
    room.settle()
    assert room.states == ["submitted", "submitted"]


def test_folders_that_are_not_the_scanners_are_not_looked_into(room: Room) -> None:
    room.drop("lost+found/a.svs")
    room.drop(".snapshot/b.svs")
    room.settle()

    assert room.rows == []
    assert room.look.door.look() == ()


def test_what_may_be_slides_is_gone_through_once_however_many_manifests_there_are(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        room.drop(f"{number}.svs", f"PLAIN {number}", **SAID)
    asked: list[Listing] = []
    real = Listing.candidates

    def counted(self: Listing) -> Iterator[Candidate]:
        asked.append(self)
        return real(self)

    monkeypatch.setattr(Listing, "candidates", counted)
    room.look()
    assert len(asked) == 2
    assert len(room.rows) == 20


def test_links_folders_and_devices_are_refused_and_nothing_outside_is_read(room: Room, tmp_path: Path) -> None:
    outside = tmp_path / "outside.svs"
    outside.write_text("PLAIN secret")
    (room.inbox / "link.svs").symlink_to(outside)
    (room.inbox / "linked").symlink_to(tmp_path, target_is_directory=True)
    (room.inbox / "folder.svs").mkdir()
    os.mkfifo(room.inbox / "pipe.svs")
    room.settle()

    assert room.states == ["refused"] * 3
    assert {row.reason.split(":")[0] for row in room.rows} == {
        "it is a symbolic link",
        "it is a folder with the name of a slide",
        "it is no file but a device, a pipe or a socket",
    }
    assert room.looker.asked == 0
    assert len(room.ledger.notices) == 3


def test_a_folder_that_cannot_be_reached_makes_nothing_go(room: Room) -> None:
    room.drop("a.svs", **SAID)
    room.settle()
    room.inbox.rename(room.folder / "away")
    with pytest.raises(UnavailableError):
        room.look()

    assert not room.rows[0].gone
    assert room.look.trouble


def test_a_slide_whose_file_went_before_it_was_looked_into_is_forgotten(room: Room) -> None:
    path = room.drop("a.svs")
    room.look()
    path.unlink()
    room.look()

    assert room.rows == []


def test_results_hears_of_a_slide_once_whatever_is_started_again(room: Room) -> None:
    room.ledger.error = UnavailableError("down")
    room.drop("a.svs", **SAID)
    room.settle()
    assert room.outbox.waiting() == 1

    room.restart()
    room.ledger.error = None
    room.wait(5)
    room.settle()
    room.restart()
    room.settle()

    assert len(room.ledger.studies) == 1
    assert room.list_slides(None, 10)[0].case_ids


def test_a_slide_that_came_half_before_a_restart_is_taken_in_after_it(room: Room) -> None:
    room.drop("a.svs", **SAID)
    room.look()
    room.restart()
    room.settle()

    assert room.states == ["submitted"]


def test_erasing_a_patient_leaves_nothing_and_her_file_does_not_come_in_again(room: Room, engine: sql.Engine) -> None:
    room.record(order())
    room.drop("a.svs", **SAID)
    room.drop("b.svs", "PLAIN other", **(SAID | {"container": "X", "slide": "9", "patient_id": "MRN2"}))
    room.settle()

    erased = room.erase(MRN1)
    assert (erased.slides, erased.orders, erased.left_files) == (1, 1, 1)
    room.restart()
    room.settle()

    assert [row.glass for row in room.rows] == ["c:X"]
    with engine.connect() as connection:
        for table in ("slide", "slide_order", "submission", "glass_name", "notice"):
            assert "MRN1" not in str(connection.exec_driver_sql(f"SELECT * FROM {table}").all())


def test_nothing_is_erased_while_results_has_yet_to_hear_of_a_slide_of_hers(room: Room) -> None:
    room.ledger.error = UnavailableError("down")
    room.drop("a.svs", **SAID)
    room.settle()

    with pytest.raises(UnavailableError):
        room.erase(MRN1)
    assert room.states == ["submitted"]


def test_what_is_long_gone_is_forgotten_a_part_at_a_time(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        path = room.drop(
            f"{number}.svs", f"PLAIN {number}", **(SAID | {"container": f"C{number}", "slide": str(number)})
        )
        room.settle()
        path.unlink()
        room.record(order(f"hl7:{number}", container=f"X{number}"))
    room.look()
    assert [row.gone for row in room.rows] == [True, True]
    ageing = SqlAgeing(room.engine, room.now)
    assert ageing.forget(365) == 0

    monkeypatch.setattr(ageing_module, "_AT_ONCE", 1)
    room.wait(400 * 86400)
    assert [ageing.forget(365) for _ in range(3)] == [2, 2, 0]
    assert room.rows == []
