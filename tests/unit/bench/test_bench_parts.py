"""The parts of the benches that can be wrong without a system: slopes, schedules, rows, generators."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from shared.dicom.fingerprint import fingerprint
from shared.testing.small_disk import SmallDisk
from tests.bench.durability import _plan
from tests.bench.harm.faults import FAULTS, chosen
from tests.bench.hostile import attacks
from tests.bench.load import dimse
from tests.bench.load.studies import StudyToSend
from tests.bench.meter.slopes import LONG_ENOUGH_S, Growth, slope
from tests.bench.meter.vitals import Vitals
from tests.bench.rows import Bench, Row
from tests.patients import a_patient

OWN = SmallDisk(Path("/nowhere"), "ext4")


def sampled(growth_per_hour: float, noise: float, seconds: int = 1500) -> list[Vitals]:
    chance = random.Random(1)
    return [Vitals(s, 100 + s * growth_per_hour / 3600 + chance.gauss(0, noise), 5, 9) for s in range(0, seconds, 5)]


def test_a_leak_of_one_megabyte_a_minute_is_found_and_noise_is_not() -> None:
    leaking, steady = sampled(60, 1), sampled(0, 1)

    assert slope(leaking, "rss_mb").per_hour == pytest.approx(60, abs=3)
    assert slope(leaking, "rss_mb").verdict(30, LONG_ENOUGH_S) is Growth.GROWS
    assert slope(steady, "rss_mb").verdict(30, LONG_ENOUGH_S) is Growth.FLAT
    assert slope(steady, "threads").per_hour == 0


def test_an_interval_that_reaches_above_the_limit_fails_a_long_run_and_leaves_a_short_one_undecided() -> None:
    noisy = slope(sampled(25, 20), "rss_mb")

    assert noisy.surely_above < 30 < noisy.at_most
    assert noisy.verdict(30, LONG_ENOUGH_S) is Growth.GROWS
    assert noisy.verdict(30, LONG_ENOUGH_S - 1) is Growth.UNDECIDED


def test_a_leak_of_two_megabytes_an_hour_above_the_limit_does_not_hide_in_its_interval() -> None:
    assert slope(sampled(32, 5), "rss_mb").verdict(30, LONG_ENOUGH_S) is Growth.GROWS


def test_a_handful_of_samples_decides_nothing() -> None:
    assert slope(sampled(0, 1, seconds=60), "rss_mb").verdict(30, 60) is Growth.UNDECIDED


def test_samples_that_hang_together_do_not_make_the_interval_narrow() -> None:
    # A child of 80 MB that lives for a minute and is away for a minute: far fewer independent values than samples.
    waves = [Vitals(s, 100 + 80 * (s // 60 % 2), 5, 9) for s in range(0, 600, 5)]

    assert slope(waves, "rss_mb").half_width > 100


def test_every_kind_of_fault_comes_before_any_comes_twice_and_a_seed_is_a_schedule() -> None:
    once = chosen(7, len(FAULTS), disk=OWN)

    assert {fault.kind for fault, _ in once} == {fault.kind for fault in FAULTS}
    assert once == chosen(7, len(FAULTS), disk=OWN)
    assert [f.kind for f, _ in once] != [f.kind for f, _ in chosen(8, len(FAULTS), disk=OWN)]


def test_a_disk_that_is_not_ours_is_never_filled_to_the_end() -> None:
    kinds = {fault.kind for fault, _ in chosen(1, 60, disk=SmallDisk(Path("/nowhere"), "shared"))}

    assert "disk_full" not in kinds
    assert "disk_low" in kinds


def test_the_default_run_injects_more_than_fifteen_faults() -> None:
    assert _plan([]).faults >= 15
    assert _plan(["--instances", "100000", "--size", "64kB"]).size_bytes == 64_000


def test_the_objects_of_a_study_are_readable_and_all_different() -> None:
    study = StudyToSend(a_patient(), 5, 4000)
    made = list(study.instances())
    read = [fingerprint(memoryview(one.data_set), start=0, implicit=False) for one in made]

    assert [r.header.sop_instance_uid for r in read] == [one.sop_instance_uid for one in made]
    assert {r.header.study_instance_uid for r in read} == {study.study_uid}
    assert len({r.content_digest for r in read}) == 5
    assert [one.digest for one in study.instances()] == [one.digest for one in made]


def test_the_same_seed_makes_the_same_attacks_and_a_thousand_cover_every_kind() -> None:
    someone = a_patient()
    kinds = [(attack.door, attack.kind) for attack in attacks(someone, 1000, 3)]

    assert kinds == [(attack.door, attack.kind) for attack in attacks(someone, 1000, 3)]
    assert len(set(kinds)) > 70


def test_a_status_is_read_from_a_command_set_and_junk_has_none() -> None:
    answer = dimse.command_set(b"\0\0\0\x09\x02\0\0\0\0\xa7")

    assert dimse.status_of(answer) == 0xA700
    assert dimse.status_of(b"junk") == -1


@pytest.mark.parametrize(
    ("row", "ratio"),
    [
        (Row("lost", 0, 0, "expected", "promises"), 1.0),
        (Row("lost", 3, 0, "expected", "promises"), 0.0),
        (Row("faults", 30, 15, "expected", "faults", higher=True), 2.0),
        (Row("slope", -4, 30, "limit", "MB/h"), 1e9),
        (Row("time", 2, 4, "peer", "s"), 2.0),
    ],
)
def test_ratios_above_one_are_better_and_always_json(row: Row, ratio: float) -> None:
    assert row.ratio == ratio
    assert "Infinity" not in json.dumps(Bench("x", (row,)).tree())
