"""Headers of frames for tests: dynamic series as scanners of three vendors describe them, without pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from shared.imaging.dynamic import FrameHeader
from shared.imaging.volume import Frame

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
ORIGINAL = ("ORIGINAL", "PRIMARY", "M", "ND")


def volume_frames(series: str, *, slices: int = 4, number: int = 1, **changes: Any) -> list[FrameHeader]:
    """Return the frames of one volume: axial, 0.8 mm pixels, a slice every 2 mm; ``number`` tells repeats apart."""
    return [replace(_frame(series, number, index, slices), **changes) for index in range(slices)]


def _frame(series: str, number: int, index: int, slices: int) -> FrameHeader:
    return FrameHeader(
        frame=Frame(f"{series}.{number}.{index + 1}"),
        series_instance_uid=series,
        series_number=int(series.rpartition(".")[2]),
        sop_class_uid=MR_IMAGE,
        modality="MR",
        blob_uri="",
        rows=8,
        columns=8,
        pixel_spacing=(0.8, 0.8),
        position=(-3.2, -3.2, 2.0 * index),
        orientation=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        frame_of_reference_uid="1.9",
        image_type=ORIGINAL,
        scanning_sequence=("GR",),
        repetition_ms=5.0,
        echo_ms=2.0,
        flip_degrees=10.0,
        slice_thickness=2.0,
        instance_number=(number - 1) * slices + index + 1,
    )


def temporal_positions(starts: Sequence[float], series: str = "1.2.4", **changes: Any) -> list[FrameHeader]:
    """Return one series with Temporal Position Identifier, as Philips and newer GE scanners write it."""
    return [
        one
        for number, start in enumerate(starts, 1)
        for one in volume_frames(
            series, number=number, temporal_position=number, temporal_positions=len(starts), acquisition_seconds=start,
            **changes,
        )
    ]  # fmt: skip


def acquisition_numbers(starts: Sequence[float], series: str = "1.2.4") -> list[FrameHeader]:
    """Return one series whose phases are counted by Acquisition Number, as Siemens scanners write it."""
    return [
        one
        for number, start in enumerate(starts, 1)
        for one in volume_frames(series, number=number, acquisition_number=number, acquisition_seconds=start)
    ]


def trigger_times(triggers: Sequence[float], series: str = "1.2.4", began: float = 0.0) -> list[FrameHeader]:
    """Return one series in which only Trigger Time advances, as older GE scanners write it."""
    return [
        one
        for number, trigger in enumerate(triggers, 1)
        for one in volume_frames(
            series, number=number, acquisition_number=1, trigger_seconds=trigger, acquisition_seconds=began
        )
    ]


def series_per_phase(starts: Sequence[float]) -> list[FrameHeader]:
    """Return one series per phase, as Siemens scanners write it where each phase is a measurement of its own."""
    return [
        one
        for number, start in enumerate(starts, 4)
        for one in volume_frames(f"1.2.{number}", acquisition_seconds=start)
    ]


def given_from(frames: Sequence[FrameHeader], start: float, agent: str = "GADOBUTROL") -> list[FrameHeader]:
    """Return the frames with the agent named in those acquired from ``start`` seconds on."""
    return [replace(one, contrast_agent=agent) if (one.acquisition_seconds or 0.0) >= start else one for one in frames]
