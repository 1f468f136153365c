"""The automatic region is the largest part that can be a tumour; what cannot be one is set aside with its reason."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.domain.identity import Side
from shared.imaging.automatic import Phases, automatic_region
from shared.imaging.body import body_in, fat_is_bright, shows_both_breasts
from shared.imaging.components import parts_of
from shared.imaging.dynamic import ImageProblem, ImageTrouble
from shared.imaging.functional_tumour_volume import functional_tumour
from shared.imaging.region import Region
from shared.imaging.volume import Grid, Volume

SPACING = (3.0, 2.0, 2.0)
SHAPE = (24, 100, 150)
"""An axial field of 300 mm by 200 mm: both breasts hang to the front (row 0)."""
GRID = Grid(
    SHAPE,
    np.array([[0, 0, SPACING[2], -149.0], [0, SPACING[1], 0, -100.0], [SPACING[0], 0, 0, -36.0], [0, 0, 0, 1]]),
)
Place = Callable[[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], NDArray[np.bool_]]


def places() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    index = np.indices(SHAPE).reshape(3, -1).T.astype(float)
    placed = GRID.place(index).T.reshape(3, *SHAPE)
    return placed[0], placed[1], placed[2]


def breasts(smaller_mm: float = 0.0) -> NDArray[np.bool_]:
    x, y, _ = places()
    found: NDArray[np.bool_] = ((np.abs(x) - 70) / (55 - smaller_mm)) ** 2 + ((y - 5) / (75 - smaller_mm)) ** 2 <= 1
    return found


def torso() -> NDArray[np.uint16]:
    """Return the signal before contrast: two breasts of skin, suppressed fat and gland, before a chest from y = 0."""
    x, y, _ = places()
    chest = (y >= 0) & (np.abs(x) <= 130)
    signal = np.where(breasts() | chest, 400, 5)
    signal[breasts(4) & ~breasts(14) & ~chest] = 200
    return signal.astype(np.uint16)


def ball(centre: tuple[float, float, float], radius: float) -> Place:
    def inside(x: NDArray[np.float64], y: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2 <= radius**2
        return found

    return inside


def phases(*bright: Place) -> Phases:
    pre, early = torso(), torso()
    for inside in bright:
        early[inside(*places()) & (pre > 100)] = 1000
    late = np.where(early > 900, 900, early + 1)
    return Phases(*(Volume(voxels.astype(np.uint16), GRID) for voxels in (pre, early, late)))


LEFT_TUMOUR = ball((70, -25, 0), 9)
RIGHT_TUMOUR = ball((-70, -25, 0), 8)
HEART = ball((40, 75, 0), 22)
SKIN = ball((70, -69, 0), 7)


def vessel(x: NDArray[np.float64], y: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.bool_]:
    along = np.abs(y + 25) < 2.5
    found: NDArray[np.bool_] = (x > -110) & (x < -30) & along & (np.abs(z) < 2)
    return found


def doubts(given: Phases) -> dict[str, int]:
    parts = parts_of(functional_tumour(given.pre, given.early, given.late), body_in(given.early))
    return {part.doubt: len(part.where) for part in parts}


def test_the_tumour_is_found_beside_a_larger_heart_a_vessel_and_the_skin() -> None:
    given = phases(LEFT_TUMOUR, HEART, vessel)

    found = automatic_region(given)

    assert isinstance(found, Region)
    assert np.array_equal(found.mask.bits, LEFT_TUMOUR(*places()) & (torso() > 100))
    assert set(doubts(given)) == {"", "inside the chest", "a vessel"}
    assert found.remarks == ("2 other enhancing parts set aside (a vessel, inside the chest)",)


def test_a_long_tumour_that_is_wider_than_a_vessel_is_one() -> None:
    def long(x: NDArray[np.float64], y: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = (np.abs(x - 70) < 34) & (np.abs(y + 10) < 6) & (np.abs(z) < 6)
        return found

    assert set(doubts(phases(long))) == {""}


def test_skin_is_no_tumour() -> None:
    x, y, z = places()
    surface = breasts() & ~breasts(4) & (y < -20) & (np.abs(z) < 9)

    given = phases(lambda *_: surface & (x > 0))

    assert set(doubts(given)) == {"skin"}


def test_a_tumour_is_parted_from_enhancing_tissue_that_runs_to_the_edge_of_the_field() -> None:
    def strands(x: NDArray[np.float64], y: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = (np.abs(x - 70) < 3.1) & (np.abs(y + 25) < 3.1)
        return found

    found = automatic_region(phases(LEFT_TUMOUR, strands))

    assert isinstance(found, Region)
    truth = LEFT_TUMOUR(*places())
    assert (found.mask.bits & truth).sum() > 0.95 * truth.sum()
    assert (found.mask.bits & ~truth).sum() < 0.2 * truth.sum()
    assert found.remarks[0] == "the region was parted from other enhancement where that is thinner than 8 mm"


def test_where_fat_is_bright_the_background_is_lower_and_that_is_said() -> None:
    bright, given = phases(), phases(LEFT_TUMOUR)
    fat = given.pre.voxels == 200
    pre, early, late = (np.where(fat, 1500, one.voxels) for one in (given.pre, given.early, given.late) if one)
    unsuppressed = Phases(*(Volume(voxels.astype(np.uint16), GRID) for voxels in (pre, early, late)))

    found = automatic_region(unsuppressed)

    assert not fat_is_bright(bright.pre, body_in(bright.early))
    assert fat_is_bright(unsuppressed.pre, body_in(unsuppressed.early))
    assert isinstance(found, Region)
    assert np.array_equal(found.mask.bits, LEFT_TUMOUR(*places()))
    assert "background below 20%" in found.method
    assert "fat is bright" in found.remarks[0]


def test_what_the_field_cuts_off_is_not_measured() -> None:
    given = phases(ball((70, -20, -33), 12))

    assert set(doubts(given)) == {"cut by the edge of the field"}
    outcome = automatic_region(given)
    assert isinstance(outcome, ImageTrouble)
    assert outcome.problem is ImageProblem.NO_REGION
    assert "cut by the edge of the field" in outcome.text


def test_a_focus_below_four_millimetres_is_no_mass() -> None:
    speck = phases(lambda x, y, z: (np.abs(x - 71) < 2) & (np.abs(y + 24) < 2) & (np.abs(z) < 2))

    outcome = automatic_region(speck)

    assert isinstance(outcome, ImageTrouble)
    assert outcome.text == "Nothing in the breast enhances like a tumour."


def test_a_small_part_on_the_other_side_is_only_remarked() -> None:
    found = automatic_region(phases(LEFT_TUMOUR, ball((-70, -25, 0), 4)))

    assert isinstance(found, Region)
    assert "further plausible parts" in found.remarks[0]


def test_two_large_parts_on_both_sides_are_a_bilateral_question() -> None:
    outcome = automatic_region(phases(LEFT_TUMOUR, RIGHT_TUMOUR))

    assert isinstance(outcome, ImageTrouble)
    assert outcome.problem is ImageProblem.BILATERAL
    assert "ml on the left" in outcome.text
    assert "ml on the right" in outcome.text


@pytest.mark.parametrize(("side", "place"), [(Side.LEFT, LEFT_TUMOUR), (Side.RIGHT, RIGHT_TUMOUR)])
def test_the_side_asked_about_decides_between_two(side: Side, place: Place) -> None:
    found = automatic_region(phases(LEFT_TUMOUR, RIGHT_TUMOUR), side=side)

    assert isinstance(found, Region)
    assert np.array_equal(found.mask.bits, place(*places()) & (torso() > 100))


def test_a_little_on_the_side_asked_about_beside_much_on_the_other_is_a_conflict() -> None:
    outcome = automatic_region(phases(LEFT_TUMOUR, ball((-70, -25, 0), 4)), side=Side.RIGHT)

    assert isinstance(outcome, ImageTrouble)
    assert outcome.problem is ImageProblem.SIDE_CONFLICT
    assert "The right breast is asked about: only 0.2 ml" in outcome.text


def test_two_tumours_of_one_breast_are_no_bilateral_question() -> None:
    found = automatic_region(phases(LEFT_TUMOUR, ball((55, -25, 22), 7)))

    assert isinstance(found, Region)
    assert found.mask.count == (LEFT_TUMOUR(*places()) & (torso() > 100)).sum()


def test_the_body_is_found_without_the_air_and_its_middle_is_the_middle() -> None:
    body = body_in(phases().early)

    assert body.midline_mm == pytest.approx(0, abs=2)
    assert np.array_equal(body.bits, torso()[:, :: body.step[1], :: body.step[2]] > 100)


def test_a_tumour_in_fat_as_dark_as_air_is_neither_outside_nor_skin() -> None:
    given = phases(LEFT_TUMOUR)
    x, y, _ = places()
    open_skin = breasts() & (np.abs(x - 100) < 6) & (y < 0)
    dark = ((breasts(4) & (y < 4)) | open_skin) & ~LEFT_TUMOUR(*places())
    pre, early, late = (np.where(dark, 5, one.voxels) for one in (given.pre, given.early, given.late) if one)

    found = automatic_region(Phases(*(Volume(voxels.astype(np.uint16), GRID) for voxels in (pre, early, late))))

    assert isinstance(found, Region)
    assert np.array_equal(found.mask.bits, LEFT_TUMOUR(*places()))


def test_the_air_between_the_breasts_is_air() -> None:
    x, y, _ = places()
    body = body_in(phases().early)

    assert not body.bits[(np.abs(x) < 10) & (y < -20)].any()


def test_a_large_field_is_looked_at_on_a_coarser_lattice_with_the_same_outcome() -> None:
    given = phases(LEFT_TUMOUR, HEART)
    fine = Grid((24, 200, 300), GRID.affine @ np.diag((1, 0.5, 0.5, 1.0)))
    finer = Phases(
        *(Volume(one.voxels.repeat(2, 1).repeat(2, 2), fine) for one in (given.pre, given.early, given.late) if one)
    )

    body, found = body_in(finer.early), automatic_region(finer)

    assert body.step == (1, 2, 2)
    assert isinstance(found, Region)
    assert found.mask.bits[12, 75, 219]
    assert found.mask.count == pytest.approx(4 * (LEFT_TUMOUR(*places()) & (torso() > 100)).sum(), rel=0.02)


def test_one_breast_has_no_midline() -> None:
    half = GRID.part((0, 0, 75), SHAPE)

    assert shows_both_breasts(GRID)
    assert not shows_both_breasts(half)
    assert body_in(Volume(torso()[:, :, 75:], half)).midline_mm is None


def test_a_volume_without_air_is_all_body() -> None:
    grid = Grid((4, 5, 6), np.eye(4))

    assert body_in(Volume(np.full((4, 5, 6), 7), grid)).bits.all()
