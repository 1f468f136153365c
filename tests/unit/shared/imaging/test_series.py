"""Every series that is not the dynamic one is named with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.images import PhaseRole
from shared.imaging.choice import choose_dynamic
from shared.imaging.dynamic import DynamicChoice, ImageProblem, ImageTrouble
from shared.imaging.series import alike_frames
from shared.testing.dynamic_frames import temporal_positions, volume_frames

STARTS = (0.0, 120.0, 210.0, 300.0)
OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "localiser": ({"image_type": ("ORIGINAL", "PRIMARY", "LOCALIZER")}, "localiser"),
    "localiser by name": ({"description": "3-PLANE LOC"}, "localiser"),
    "subtraction": ({"image_type": ("DERIVED", "SECONDARY", "SUBTRACTION")}, "subtraction"),
    "inline subtraction": ({"image_type": ("ORIGINAL", "PRIMARY", "M", "ND", "SUB")}, "subtraction"),
    "subtraction by name": ({"description": "T1_FL3D_DYN_SUB_2"}, "subtraction"),
    "projection": ({"image_type": ("DERIVED", "SECONDARY", "MIP")}, "projection"),
    "projection image": ({"image_type": ("DERIVED", "SECONDARY", "PROJECTION IMAGE")}, "projection"),
    "diffusion": ({"b_value": 800.0}, "diffusion"),
    "diffusion map": ({"image_type": ("DERIVED", "PRIMARY", "DIFFUSION", "ADC")}, "diffusion"),
    "echo-planar": ({"scanning_sequence": ("EP", "SE")}, "echo-planar"),
    "T2": ({"echo_ms": 84.0, "repetition_ms": 4000.0}, "echo time is 84 ms"),
    "spin echo": ({"echo_ms": 9.0, "repetition_ms": 550.0}, "repetition time is 550 ms"),
    "T2 by name": ({"echo_ms": None, "description": "AX T2 FSE"}, "T2-weighted"),
    "reformatted": ({"image_type": ("DERIVED", "SECONDARY", "REFORMATTED")}, "derived"),
    "phase image": ({"image_type": ("ORIGINAL", "PRIMARY", "P", "ND")}, "magnitude"),
    "fat image": ({"image_type": ("ORIGINAL", "PRIMARY", "DIXON", "FAT")}, "Dixon"),
    "wash-in map": ({"image_type": ("DERIVED", "PRIMARY", "WASH-IN")}, "map"),
    "secondary capture": ({"sop_class_uid": "1.2.840.10008.5.1.4.1.1.7"}, "secondary capture"),
    "PET": ({"modality": "PT"}, "no MR image (PT)"),
    "placeless": ({"position": None}, "position"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_not_the_dynamic_series_is_rejected_with_its_reason(kind: str) -> None:
    changes, reason = OTHERS[kind]
    choice = choose_dynamic([*volume_frames("1.2.9", **changes), *temporal_positions(STARTS)])
    assert isinstance(choice, DynamicChoice)
    assert [one.series_instance_uid for one in choice.rejected] == ["1.2.9"]
    assert reason in choice.rejected[0].reason
    assert choice.of(PhaseRole.EARLY) is not None


@pytest.mark.parametrize("kind", [kind for kind in OTHERS if kind != "PET"])
def test_a_study_of_nothing_else_is_refused_with_the_same_reason(kind: str) -> None:
    changes, reason = OTHERS[kind]
    trouble = choose_dynamic(volume_frames("1.2.9", **changes))
    assert isinstance(trouble, ImageTrouble)
    assert trouble.problem is ImageProblem.NO_DYNAMIC_SERIES
    assert reason in trouble.text


@pytest.mark.parametrize(
    "name", ["DYN_SUBJECT", "T1_VIBE_DYNAMIC", "BREAST LOCATION", "SUBMAMMARY", "VIBRANT MULTIPHASE"]
)
def test_a_harmless_name_is_not_held_against_a_series(name: str) -> None:
    choice = choose_dynamic(temporal_positions(STARTS, description=name))
    assert isinstance(choice, DynamicChoice)


def test_a_part_of_a_series_can_be_rejected() -> None:
    water = temporal_positions(STARTS, image_type=("ORIGINAL", "PRIMARY", "DIXON", "WATER"))
    fat = [
        one
        for number in (11, 12, 13, 14)
        for one in volume_frames("1.2.4", number=number, image_type=("ORIGINAL", "PRIMARY", "DIXON", "FAT"))
    ]
    choice = choose_dynamic([*water, *fat])
    assert isinstance(choice, DynamicChoice)
    assert len(choice.phases) == 4
    assert ["Dixon" in one.reason for one in choice.rejected] == [True]


def test_frames_are_alike_in_series_kind_and_plane() -> None:
    groups = alike_frames([*volume_frames("1.2.3"), *volume_frames("1.2.3", number=2, orientation=(0, 1, 0, 0, 0, -1))])
    assert [len(one.frames) for one in groups] == [4, 4]


def test_no_description_is_printed() -> None:
    choice = choose_dynamic([*volume_frames("1.2.9", description="DOE JANE MIP"), *temporal_positions(STARTS)])
    assert "DOE" not in repr(choice)
