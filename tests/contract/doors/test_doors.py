"""Every door: Success only when stored, and otherwise the answer of the one table (``shared/domain/refusals.py``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.domain.refusals import Cause
from tests.contract.doors.dicom_doors import CStore, Stow
from tests.contract.doors.driver import DoorDriver
from tests.contract.doors.fhir_door import Fhir
from tests.contract.doors.mllp_door import Mllp

pytestmark = [pytest.mark.contract, pytest.mark.integration]

DOORS: dict[str, Callable[[Path], DoorDriver]] = {
    "c-store": lambda folder: CStore(folder, "own"),
    "c-store-pynetdicom": lambda folder: CStore(folder, "pynetdicom"),
    "stow-rs": Stow,
    "fhir": Fhir,
    "mllp": Mllp,
}


@pytest.fixture(params=list(DOORS))
def door(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DoorDriver]:
    driver = DOORS[request.param](tmp_path)
    yield driver
    driver.kill()


def test_what_was_answered_with_success_is_there_after_kill_9(door: DoorDriver) -> None:
    for _ in range(2):  # a new store, and one that was killed before
        door.start()
        for _ in range(5):
            assert door.send_good().success
        door.kill()  # right after the answer

    door.start()
    assert door.holds_all()


def test_each_refusal_is_the_one_of_the_table_and_the_next_good_one_works(door: DoorDriver) -> None:
    door.start()
    heard = {cause: provoke() for cause, provoke in door.provoked.items() if cause not in door.troubles}

    assert heard == {cause: door.expected(cause) for cause in heard}
    assert door.send_good().success


def test_each_trouble_is_told_as_the_table_says_and_ends(door: DoorDriver) -> None:
    heard = {}
    for trouble in sorted(door.troubles):
        door.start(trouble)
        heard[trouble] = door.provoked[trouble]()
        door.kill()

    assert heard == {cause: door.expected(cause) for cause in heard}
    door.start()
    assert door.send_good().success
    assert door.holds_all()


@pytest.mark.parametrize("name", DOORS)
def test_every_door_is_asked_for_the_causes_every_door_can_meet(name: str, tmp_path: Path) -> None:
    driver = DOORS[name](tmp_path)

    assert {Cause.OVERLOADED, Cause.STORE_UNREACHABLE, Cause.CALLER_UNKNOWN, Cause.UNREADABLE} <= set(driver.provoked)
    assert driver.troubles <= set(driver.provoked)
