"""Which files are one slide."""

from __future__ import annotations

import pytest

from services.slide_ingestion.handlers.grouping import SINGLE, Candidate, Listing
from services.slide_ingestion.ports.doors import Entry


def candidates(*names: str) -> dict[str, Candidate]:
    listing = Listing.of([Entry(name, len(name), "1") for name in names])
    return {one.place: one for one in listing.candidates()}


@pytest.mark.parametrize("suffix", SINGLE)
def test_each_file_of_a_single_file_format_is_a_slide(suffix: str) -> None:
    assert list(candidates(f"a/b{suffix}", f"c{suffix.upper()}")) == [f"a/b{suffix}", f"c{suffix.upper()}"]


def test_what_is_no_slide_is_left_alone() -> None:
    assert candidates("a.txt", "b.xml", "a.svs.manifest.json", "Thumbs.db", "a.jpg") == {}


def test_hidden_files_are_a_copiers_own() -> None:
    assert candidates(".a.svs.Xq3", ".a.svs", ".trash/b.svs") == {}


def test_a_mirax_slide_is_its_index_and_everything_in_its_folder() -> None:
    found = candidates("x/a.mrxs", "x/a/Slidedat.ini", "x/a/Data0.dat", "x/a/sub/Data1.dat", "x/ab/Data2.dat")

    assert [one.name for one in found["x/a.mrxs"].files] == [
        "x/a.mrxs", "x/a/Data0.dat", "x/a/Slidedat.ini", "x/a/sub/Data1.dat",
    ]  # fmt: skip
    assert found["x/a.mrxs"].waits == ""


def test_a_lock_of_any_file_of_a_slide_is_waited_for() -> None:
    assert candidates("a.mrxs", "a/Slidedat.ini", "a/Data0.dat", "a/Data0.dat.part")["a.mrxs"].waits
    assert candidates("s/1.dcm", "s/2.dcm", "s/2.dcm.tmp")["s/"].waits
    assert candidates("s/1.dcm", "s.lock")["s/"].waits
    assert not candidates("a.svs", "b.svs.lock")["a.svs"].waits


def test_dicom_files_without_a_folder_of_their_own_are_refused() -> None:
    assert "folder of their own" in candidates("1.dcm", "2.dcm")["./"].refused


def test_a_format_whose_index_names_other_files_waits_for_a_manifest() -> None:
    assert "manifest" in candidates("a.vms")["a.vms"].waits
