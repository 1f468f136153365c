"""Whatever a slide's bytes do in the jail, pixels or a reason come out of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray
from structlog.testing import capture_logs

from shared.domain.slides import Cropping
from shared.jail import slide_session, slides
from shared.jail.codes import JailCode
from shared.jail.limits import Limits
from shared.jail.slides import LIMITS, JailedSlides, Overview, PatchBatch
from shared.jail.slides_trouble import trouble_of
from shared.pathology.background import is_background
from shared.pathology.grid import CropGrid, crop_grid
from shared.pathology.patch_contract import PatchContract, StainReference
from shared.pathology.patches import prepared
from shared.pathology.stain_fit import StainFit
from shared.pathology.trouble import SlideProblem, SlideTrouble, SlideTroubleError
from shared.slides.opening import opened
from shared.slides.patches import PatchReading
from shared.slides.port import SlideDescription
from shared.testing.slide_files import painted, write_blank, write_slide

RGB = painted(1200, 900)
SMALL = replace(LIMITS, memory_mb=512, window_mb=32)
STAINS = StainReference((0.65, 0.7, 0.29), (0.1, 0.95, 0.29), (1.0, 1.0))
CONTRACT = PatchContract(32.0, 32, 60.0, 0.5, STAINS, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2), 4, "none")
FIT = StainFit(np.array([STAINS.haematoxylin, STAINS.eosin]), np.array([1.1, 0.9]), 0.05, 40.0, "vahadane")
GRID = crop_grid(Cropping.MICROMETRES, 1200, 900, 0.5, 32.0)


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_slide(tmp_path_factory.mktemp("slides") / "a.tiff", RGB, levels=2)


@pytest.fixture(scope="module")
def jail() -> Iterator[JailedSlides]:
    jail = JailedSlides(SMALL)
    yield jail
    jail.close()


def _all(jail: JailedSlides, path: Path, grid: CropGrid = GRID, **options: Any) -> list[PatchBatch]:
    with jail.open([path]) as session:
        return list(session.patches(grid, range(len(grid)), CONTRACT, **options))


def _alive(limits: Limits) -> set[int]:
    """Return the jail's children that have these limits, whoever else this process has started."""
    found = set()
    for one in psutil.Process().children():
        with suppress(psutil.Error):
            if json.dumps(asdict(limits)) in one.cmdline():
                found.add(one.pid)
    return found


def _bare(path: Path) -> dict[int, NDArray[np.uint8]]:
    reader = opened([path])
    assert not isinstance(reader, SlideTrouble)
    reading = PatchReading(reader, GRID.side_px, CONTRACT.input_px)
    found = {place: reading.rgb(*GRID.corner(place)) for place in range(len(GRID))}
    reader.close()
    return {place: rgb for place, rgb in found.items() if not is_background(rgb, CONTRACT.background_variance)}


def test_the_jail_describes_what_a_bare_reader_describes(jail: JailedSlides, slide: Path) -> None:
    bare = opened([slide])
    assert not isinstance(bare, SlideTrouble)
    assert jail.describe([slide]) == bare.description
    bare.close()


def test_patches_come_in_order_in_whole_batches_and_are_those_of_a_bare_reader(jail: JailedSlides, slide: Path) -> None:
    batches, bare = _all(jail, slide, batch=10), _bare(slide)
    assert 0 < len(bare) < len(GRID)
    assert [place for one in batches for place in one.index] == sorted(bare)
    assert {len(one.index) for one in batches[:-1]} == {10}
    assert sorted(place for one in batches for place in one.background) == sorted(set(range(len(GRID))) - set(bare))
    for one in batches:
        assert all((pixels == bare[place]).all() for place, pixels in zip(one.index, one.pixels, strict=True))


def test_with_a_fit_patches_come_as_the_network_takes_them(jail: JailedSlides, slide: Path) -> None:
    batches, bare = _all(jail, slide, fit=FIT), _bare(slide)
    assert batches[0].pixels.shape == (8, 3, 32, 32)
    for one in batches:
        for place, pixels in zip(one.index, one.pixels, strict=True):
            assert (pixels == prepared(bare[place], FIT, CONTRACT)).all()


def test_only_what_is_wanted_is_read_and_a_session_reads_again(jail: JailedSlides, slide: Path) -> None:
    with jail.open([slide]) as session:
        first = list(session.patches(GRID, [5, 3, 40], CONTRACT, batch=8))
        again = list(session.patches(GRID, np.array([3], np.int32), CONTRACT))
        none = list(session.patches(GRID, [], CONTRACT))
    assert [one.index.tolist() for one in first] == [[5, 3, 40]]
    assert (again[0].pixels[0] == first[0].pixels[1]).all()
    assert none == []


def test_who_stops_early_leaves_nobody_behind(slide: Path) -> None:
    limits = replace(SMALL, wall_s=401.5)  # by which this test knows its own children
    jail = JailedSlides(limits)
    with capture_logs() as logged, closing(jail), jail.open([slide]) as session:
        next(session.patches(GRID, range(len(GRID)), CONTRACT))
        at_work = _alive(limits)
        assert at_work
    assert not at_work & _alive(limits)
    assert not logged, "a child that was ended on purpose has not failed"


def test_who_stopped_early_reads_again(jail: JailedSlides, slide: Path) -> None:
    with jail.open([slide]) as session:
        next(session.patches(GRID, range(len(GRID)), CONTRACT))
    with jail.open([slide]) as session:
        assert session.overview(4.0, 0.5).rgb.shape == (112, 150, 3)


def test_an_overview_is_the_whole_slide_small_and_read_only(jail: JailedSlides, slide: Path) -> None:
    found = jail.overview([slide], 4.0, 0.5)
    assert isinstance(found, Overview)
    assert found.um_per_px == 4.0
    assert np.abs(found.rgb.astype(int) - RGB[4::8, 4::8][:112, :150]).mean() < 6
    assert not found.rgb.flags.writeable


def test_sixty_thousand_pixels_square_of_glass_are_background_in_little_memory(
    jail: JailedSlides, tmp_path: Path
) -> None:
    path = write_blank(tmp_path / "blank.tiff", 60_000)
    described = jail.describe([path])
    assert isinstance(described, SlideDescription)
    grid = crop_grid(Cropping.PAPER, described.width, described.height, 0.25, 0.0)
    sample = range(0, len(grid), 97)
    with jail.open([path]) as session:
        assert (session.overview(64.0, 0.25).rgb == 255).all()
        (only,) = session.patches(grid, sample, CONTRACT)
    assert only.index.size == 0
    assert only.background.tolist() == list(sample)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.7, 0.98])
def test_a_slide_that_is_cut_short_has_a_reason(jail: JailedSlides, slide: Path, tmp_path: Path, share: float) -> None:
    whole = slide.read_bytes()
    path = tmp_path / "cut.tiff"
    path.write_bytes(whole[: int(len(whole) * share)])
    found = jail.describe([path])
    if isinstance(found, SlideDescription):
        with pytest.raises(SlideTroubleError) as raised:
            _all(jail, path)
        found = raised.value.trouble
    assert found.problem in {SlideProblem.UNREADABLE, SlideProblem.NOT_A_SLIDE}
    assert "cut" not in found.text.replace("cut short", "")


def test_what_is_no_file_is_no_slide(jail: JailedSlides, slide: Path, tmp_path: Path) -> None:
    link, pipe = tmp_path / "link.tiff", tmp_path / "pipe.tiff"
    link.symlink_to(slide)
    os.mkfifo(pipe)
    for path in (tmp_path, link, pipe):
        trouble = jail.describe([path])
        assert isinstance(trouble, SlideTrouble)
        assert trouble.problem is SlideProblem.NOT_A_SLIDE
        with pytest.raises(SlideTroubleError, match="not_a_slide"):
            _all(jail, path)
    gone = jail.describe([tmp_path / "nowhere.svs"])
    assert isinstance(gone, SlideTrouble)
    assert gone.problem is SlideProblem.GONE


@pytest.mark.parametrize("how", ["written to", "replaced", "removed"])
def test_a_slide_that_changes_while_it_is_read_is_not_believed(
    jail: JailedSlides, slide: Path, tmp_path: Path, how: str
) -> None:
    path, other = tmp_path / "a.tiff", tmp_path / "b.tiff"
    path.write_bytes(slide.read_bytes())
    other.write_bytes(slide.read_bytes())
    with jail.open([path]) as session:
        patches = session.patches(GRID, range(len(GRID)), CONTRACT)
        next(patches)
        _disturb(path, other, how)
        with pytest.raises(SlideTroubleError) as raised:
            list(patches)
    wanted = SlideProblem.GONE if how == "removed" else SlideProblem.CHANGED
    assert raised.value.trouble.problem is wanted


def _disturb(path: Path, other: Path, how: str) -> None:
    if how == "written to":
        with path.open("ab") as stream:
            stream.write(b"more")
    elif how == "replaced":
        other.replace(path)
    else:
        path.unlink()


INMATES = "shared.testing.slide_inmates"
ENDS = {
    "hang": SlideProblem.CRASHED, "crash": SlideProblem.CRASHED, "grow": SlideProblem.CRASHED,
    "burn": SlideProblem.CRASHED, "connect": SlideProblem.CRASHED, "say_nothing": SlideProblem.UNREADABLE,
    "repeat_a_patch": SlideProblem.UNREADABLE, "invent_a_patch": SlideProblem.UNREADABLE,
    "resize_a_patch": SlideProblem.UNREADABLE, "point_outside": SlideProblem.UNREADABLE,
    "leave_no_numbers": SlideProblem.UNREADABLE,
}  # fmt: skip


@pytest.mark.parametrize("inmate", ENDS)
def test_whatever_a_child_does_there_is_a_reason_and_the_next_slide_is_read(
    slide: Path, inmate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        for module in (slides, slide_session):
            patched.setattr(module, "READ", f"{INMATES}:{inmate}")
        jail = JailedSlides(replace(SMALL, wall_s=2.0, cpu_s=1), children=1)
        with pytest.raises(SlideTroubleError) as raised:
            _all(jail, slide, fit=FIT if inmate == "leave_no_numbers" else None)
        assert raised.value.trouble.problem is ENDS[inmate]
        assert isinstance(jail.describe([slide]), SlideDescription)
    jail.close()


def test_every_end_of_a_child_has_a_reason_in_words() -> None:
    assert len({trouble_of(code).text for code in JailCode}) == len(JailCode)
