"""The dynamic series is found however a vendor stores it, and what is chosen says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from shared.domain.identity import Side
from shared.domain.images import PhaseRole
from shared.imaging.choice import choose_dynamic
from shared.imaging.dynamic import DynamicChoice, FrameHeader, ImageProblem, ImageTrouble
from shared.testing.dynamic_frames import (
    acquisition_numbers,
    given_from,
    series_per_phase,
    temporal_positions,
    trigger_times,
    volume_frames,
)

STARTS = (1000.0, 1120.0, 1210.0, 1300.0, 1390.0, 1480.0)
"""A phase of 90 s before contrast, thirty seconds for the injection, five phases of 90 s."""
INJECTED = 1080.0


def _choice(frames: Sequence[FrameHeader], side: Side | None = None) -> DynamicChoice:
    choice = choose_dynamic(frames, side=side)
    assert isinstance(choice, DynamicChoice), choice
    return choice


def _problem(frames: Sequence[FrameHeader], side: Side | None = None) -> ImageProblem:
    trouble = choose_dynamic(frames, side=side)
    assert isinstance(trouble, ImageTrouble), trouble
    assert trouble.text.endswith(".")
    return trouble.problem


def _roles(choice: DynamicChoice) -> tuple[PhaseRole, ...]:
    return tuple(one.role for one in choice.phases)


def _number(choice: DynamicChoice, role: PhaseRole) -> int:
    phase = choice.of(role)
    assert phase is not None
    return phase.number


WAYS = {
    "temporal positions": temporal_positions(STARTS),
    "acquisition numbers": acquisition_numbers(STARTS),
    "trigger times": trigger_times([one - STARTS[0] for one in STARTS], began=STARTS[0]),
    "one series per phase": series_per_phase(STARTS),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_of_storing_gives_the_same_phases(way: str) -> None:
    frames = [replace(one, bolus_seconds=INJECTED) for one in WAYS[way]]
    choice = _choice(list(reversed(frames)))
    assert _roles(choice) == (
        PhaseRole.PRE, PhaseRole.EARLY, PhaseRole.UNUSED, PhaseRole.UNUSED, PhaseRole.UNUSED, PhaseRole.LATE,
    )  # fmt: skip
    early = choice.of(PhaseRole.EARLY)
    assert early is not None
    assert early.seconds is not None
    assert 45.0 <= early.seconds <= 150.0


def test_the_measured_phase_is_the_one_whose_middle_is_nearest_90_to_150_seconds() -> None:
    starts = [0.0, 70.0, 130.0, 190.0, 250.0]
    frames = [replace(one, bolus_seconds=60.0, duration_seconds=60.0) for one in temporal_positions(starts)]
    choice = _choice(frames)
    assert [one.seconds for one in choice.phases] == [-30.0, 40.0, 100.0, 160.0, 220.0]
    assert _number(choice, PhaseRole.EARLY) == 3
    assert "100 s after the injection" in choice.why


def test_of_two_equally_near_phases_the_earlier_one_is_measured() -> None:
    starts = [0.0, 70.0, 170.0, 270.0]
    frames = [replace(one, bolus_seconds=50.0, duration_seconds=100.0) for one in temporal_positions(starts)]
    choice = _choice(frames)  # middles at 70 and 170 s: both twenty seconds off
    assert _number(choice, PhaseRole.EARLY) == 2


def test_a_duration_stated_for_the_whole_series_is_no_phases_duration() -> None:
    frames = [replace(one, bolus_seconds=INJECTED, duration_seconds=540.0) for one in temporal_positions(STARTS)]
    assert _choice(frames).phases[1].seconds == 1120.0 - INJECTED + 45.0


def test_the_agents_name_tells_the_phase_before_contrast() -> None:
    choice = _choice(given_from(temporal_positions(STARTS), 1210.0))
    assert _number(choice, PhaseRole.PRE) == 2
    assert "Contrast/Bolus Agent" in choice.why


def test_none_is_not_the_name_of_an_agent() -> None:
    frames = [replace(one, contrast_agent=one.contrast_agent or "NONE") for one in temporal_positions(STARTS)]
    assert "Contrast/Bolus Agent" not in _choice(frames).why


def test_without_any_attribute_a_pause_is_the_injection_and_the_reader_is_told() -> None:
    starts = [0.0, 130.0, 220.0, 310.0, 400.0]
    choice = _choice(temporal_positions(starts))
    assert _number(choice, PhaseRole.PRE) == 1
    assert any("pause" in one for one in choice.remarks)


def test_without_a_pause_the_first_phase_is_before_contrast_and_the_reader_is_told() -> None:
    choice = _choice(temporal_positions([0.0, 90.0, 180.0]))
    assert _number(choice, PhaseRole.PRE) == 1
    assert any("nothing states when contrast was given" in one for one in choice.remarks)


def test_where_no_attribute_tells_the_images_are_looked_at() -> None:
    def brightened(first: Sequence[FrameHeader], second: Sequence[FrameHeader]) -> float:
        assert first[0].temporal_position == 1
        return 0.0 if (second[0].temporal_position or 0) < 4 else 0.05

    choice = choose_dynamic(temporal_positions([n * 60.0 for n in range(7)]), brightened=brightened)
    assert isinstance(choice, DynamicChoice)
    assert _number(choice, PhaseRole.PRE) == 3
    assert "brighten" in choice.why


def test_images_that_never_brighten_have_no_phase_before_contrast() -> None:
    choice = choose_dynamic(temporal_positions([n * 60.0 for n in range(5)]), brightened=lambda *_: 0.0001)
    assert isinstance(choice, DynamicChoice)
    assert choice.of(PhaseRole.PRE) is None
    assert "there is no phase without contrast" in choice.remarks


def test_a_phase_before_contrast_that_is_missing_is_said_and_not_invented() -> None:
    frames = [replace(one, bolus_seconds=900.0) for one in temporal_positions(STARTS)]
    choice = _choice(frames)
    assert choice.of(PhaseRole.PRE) is None
    assert "there is no phase without contrast" in choice.remarks


def test_a_declared_first_phase_that_is_not_there_is_no_phase_before_contrast() -> None:
    frames = [one for one in temporal_positions(STARTS) if one.temporal_position != 1]
    choice = _choice(frames)
    assert choice.of(PhaseRole.PRE) is None
    assert any("phases that are not there: 1" in one for one in choice.remarks)


def test_the_phase_to_be_measured_that_is_missing_is_a_trouble() -> None:
    frames = [replace(one, bolus_seconds=INJECTED, duration_seconds=60.0) for one in temporal_positions(STARTS)]
    assert _problem([one for one in frames if one.temporal_position != 3]) is ImageProblem.PHASE_MISSING


def test_another_phase_that_is_missing_is_a_remark() -> None:
    frames = [replace(one, bolus_seconds=INJECTED) for one in temporal_positions(STARTS)]
    choice = _choice([one for one in frames if one.temporal_position != 5])
    assert _number(choice, PhaseRole.EARLY) == 2
    assert any("not there: 5" in one for one in choice.remarks)


def test_slices_missing_from_the_measured_phase_are_a_trouble() -> None:
    frames = [replace(one, bolus_seconds=INJECTED) for one in temporal_positions(STARTS)]
    at_the_end = [one for one in frames if (one.temporal_position, one.position) != (2, (-3.2, -3.2, 6.0))]
    inside = [one for one in frames if (one.temporal_position, one.position) != (2, (-3.2, -3.2, 2.0))]
    assert _problem(at_the_end) is ImageProblem.SLICES_MISSING
    assert _problem(inside) is ImageProblem.SLICES_MISSING


def test_slices_missing_from_another_phase_are_a_remark() -> None:
    frames = [replace(one, bolus_seconds=INJECTED) for one in temporal_positions(STARTS)]
    choice = _choice([one for one in frames if (one.temporal_position, one.position) != (4, (-3.2, -3.2, 6.0))])
    assert "1 of 6 phases have fewer slices than the others" in choice.remarks


def test_two_injections_are_refused() -> None:
    frames = temporal_positions(STARTS)
    twice = [
        replace(one, bolus_seconds=1100.0 if one.temporal_position < 4 else 1290.0)
        for one in frames
        if one.temporal_position
    ]
    assert _problem(twice) is ImageProblem.TWO_INJECTIONS


def test_contrast_that_comes_and_goes_is_refused() -> None:
    frames = [
        replace(one, contrast_agent="GADOBUTROL" if one.temporal_position in (2, 3, 5) else "")
        for one in temporal_positions(STARTS)
    ]
    assert _problem(frames) is ImageProblem.TWO_INJECTIONS


def test_two_dynamic_series_one_after_the_other_are_refused() -> None:
    again = [one + 2400.0 for one in STARTS]
    same_places = [*temporal_positions(STARTS), *temporal_positions(again, "1.2.5")]
    assert _problem(same_places) is ImageProblem.TWO_INJECTIONS


def test_a_study_with_one_volume_is_measured_and_says_so() -> None:
    choice = _choice(volume_frames("1.2.4"))
    assert _roles(choice) == (PhaseRole.EARLY,)
    assert "one volume" in choice.why
    assert "nothing states whether contrast was given before the only phase" in choice.remarks


def test_of_several_single_volumes_the_one_with_contrast_is_measured() -> None:
    native = volume_frames("1.2.3", acquisition_seconds=0.0)
    enhanced = volume_frames("1.2.4", slices=6, acquisition_seconds=300.0, contrast_agent="GADOBUTROL", rows=16)
    choice = _choice([*native, *enhanced])
    assert [(one.series_instance_uid, one.role) for one in choice.phases] == [
        ("1.2.3", PhaseRole.PRE),
        ("1.2.4", PhaseRole.EARLY),
    ]
    assert "the phase without contrast has another geometry than those with contrast" in choice.remarks


def test_several_single_volumes_of_which_none_states_contrast_are_refused() -> None:
    frames = [*volume_frames("1.2.3"), *volume_frames("1.2.4", rows=16)]
    assert _problem(frames) is ImageProblem.NO_DYNAMIC_SERIES


def _of_both_breasts() -> list[FrameHeader]:
    return [
        *_sagittal(temporal_positions(STARTS, "1.2.4"), -120.0),
        *_sagittal(temporal_positions(STARTS, "1.2.5"), 120.0),
    ]


def _sagittal(frames: Sequence[FrameHeader], x: float) -> list[FrameHeader]:
    return [
        replace(one, position=(x + index % 4 * 2.0, 0.0, 0.0), orientation=(0.0, 1.0, 0.0, 0.0, 0.0, -1.0))
        for index, one in enumerate(frames)
    ]


@pytest.mark.parametrize(("side", "series"), [(Side.LEFT, "1.2.5"), (Side.RIGHT, "1.2.4")])
def test_where_each_breast_has_a_series_the_side_decides(side: Side, series: str) -> None:
    choice = _choice(_of_both_breasts(), side)
    assert {one.series_instance_uid for one in choice.phases} == {series}
    assert [one.reason for one in choice.rejected] == [f"It is not the dynamic series of the {side.value} breast."]


def test_where_each_breast_has_a_series_and_no_side_is_known_nobody_guesses() -> None:
    assert _problem(_of_both_breasts()) is ImageProblem.BILATERAL


def test_a_coarse_fast_series_beside_the_dynamic_one_is_not_measured() -> None:
    fast = temporal_positions([1100.0 + 5 * n for n in range(20)], "1.2.9", pixel_spacing=(1.6, 1.6), rows=4)
    choice = _choice([*temporal_positions(STARTS), *fast])
    assert {one.series_instance_uid for one in choice.phases} == {"1.2.4"}
    assert [one.series_instance_uid for one in choice.rejected] == ["1.2.9"]


def test_phases_that_are_stored_twice_are_taken_once() -> None:
    plain = [replace(one, bolus_seconds=INJECTED) for one in acquisition_numbers(STARTS, "1.2.4")]
    corrected = [
        replace(one, bolus_seconds=INJECTED, image_type=("ORIGINAL", "PRIMARY", "M", "NORM", "DIS2D"))
        for one in acquisition_numbers(STARTS, "1.2.5")
    ]
    choice = _choice([*corrected, *plain])
    assert len(choice.phases) == len(STARTS)
    assert {one.series_instance_uid for one in choice.phases} == {"1.2.4"}
    assert [(one.series_instance_uid, "once more" in one.reason) for one in choice.rejected] == [("1.2.5", True)]


def test_a_study_of_two_thousand_slices_a_phase_is_sorted_out() -> None:
    frames = [replace(one, bolus_seconds=INJECTED) for one in temporal_positions(STARTS[:4], slices=2000)]
    early = _choice(frames).of(PhaseRole.EARLY)
    assert early is not None
    assert len(early.frames) == 2000


def test_a_study_without_mr_images_is_refused_by_its_modalities() -> None:
    frames = [*volume_frames("1.2.3", modality="PT"), *volume_frames("1.2.4", modality="CT")]
    trouble = choose_dynamic(frames)
    assert isinstance(trouble, ImageTrouble)
    assert trouble.problem is ImageProblem.WRONG_MODALITY
    assert "CT, PET" in trouble.text
    assert _problem([]) is ImageProblem.NO_IMAGES


def test_images_at_the_same_place_that_nothing_tells_apart_are_refused() -> None:
    frames = [replace(one, instance_number=1) for number in (1, 2) for one in volume_frames("1.2.4", number=number)]
    assert _problem(frames) is ImageProblem.PHASE_MISSING


def test_images_at_the_same_place_without_times_follow_their_numbers() -> None:
    frames = [one for number in (1, 2, 3) for one in volume_frames("1.2.4", number=number)]
    choice = _choice(frames)
    assert [one.frames[0].sop_instance_uid for one in choice.phases] == ["1.2.4.1.1", "1.2.4.2.1", "1.2.4.3.1"]
    assert _number(choice, PhaseRole.EARLY) == 2
    assert any("nothing states how long after" in one for one in choice.remarks)
