"""Which series can be the dynamic one: everything else is named and told why not.

Standard attributes first (Image Type PS3.3 C.7.6.1.1.2 and C.8.3.1.1.1, Scanning Sequence, echo and repetition times,
diffusion b-value); what a technician wrote into Series Description only where they say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.imaging.dynamic import FrameHeader

MR_CLASSES = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.4",  # MR Image Storage
        "1.2.840.10008.5.1.4.1.1.4.1",  # Enhanced MR Image Storage
        "1.2.840.10008.5.1.4.1.1.4.4",  # Legacy Converted Enhanced MR Image Storage
    }
)
_LONGEST_ECHO_MS = 12.0
"""Dynamic breast series are T1-weighted spoiled gradient echoes with echo times of 1 to 5 ms (ACR breast MRI
parameters); T2-weighted ones have 60 ms and more."""
_LONGEST_REPETITION_MS = 400.0
_MARKS: tuple[tuple[frozenset[str], re.Pattern[str], str], ...] = (
    (
        frozenset({"LOCALIZER", "SCOUT"}), re.compile(r"\b(LOC|LOCALI[SZ]ER|SCOUT|SURVEY)\b"),
        "It is a localiser.",
    ),
    (
        frozenset({"MIP", "MINIP", "MNIP", "MAX_IP", "MIN_IP", "PROJECTION IMAGE", "PROJECTION", "PJN"}),
        re.compile(r"(\b|_)(MIP|MINIP|PJN|PROJECTION)S?(\b|_|:)"),
        "It is a projection (MIP): its slices are views through the volume.",
    ),
    (
        frozenset({"SUB", "SUBTRACT", "SUBTRACTION", "SUBTRACTED"}),
        re.compile(r"(\b|_)SUB(S|TRACT\w*|TRAKT\w*)?(\b|_|:)"),
        "It is a subtraction: differences of phases, not a phase.",
    ),
    (
        frozenset({"DIFFUSION", "ADC", "TRACEW", "TRACE", "FA", "EADC", "DWI"}),
        re.compile(r"(\b|_)(DWI|ADC|DIFF\w*|TRACEW?|EP2D|RESOLVE)(\b|_|:)"),
        "It is diffusion-weighted, or a map made of diffusion.",
    ),
    (
        frozenset({"P", "PHASE", "PHASE MAP", "R", "REAL", "I", "IMAGINARY"}), re.compile(r"(?!)"),
        "It shows the phase or a part of the complex signal, not its magnitude.",
    ),
    (
        frozenset({"F", "FAT", "IN_PHASE", "IP", "OPP_PHASE", "OP", "OUT_PHASE", "FAT_FRACTION"}), re.compile(r"(?!)"),
        "It is the fat, in-phase or opposed-phase image of a Dixon acquisition.",
    ),
    (
        frozenset({"T2_STAR", "PERFUSION", "PARAMETRIC", "WASH-IN", "WASH-OUT", "TTP", "PEI", "T1 MAP", "T2 MAP"}),
        re.compile(r"(\b|_)(WASH.?(IN|OUT)|TTP|PEI|KTRANS|COLOU?R|T[12].?MAP)(\b|_|:)"),
        "It is a map computed from other images.",
    ),
)  # fmt: skip
_T2 = re.compile(r"(\b|_)(T2\w*|STIR|TIRM|FLAIR|HASTE)(\b|_|:)")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Frames of one series that are alike in kind and in plane."""

    frames: tuple[FrameHeader, ...]

    @property
    def series_instance_uid(self) -> str:
        """Return the series."""
        return self.frames[0].series_instance_uid


def alike_frames(frames: Iterable[FrameHeader]) -> tuple[Candidate, ...]:
    """Return the frames in groups of one series, one Image Type, one orientation, one size, in order of appearance."""
    groups: dict[tuple[object, ...], list[FrameHeader]] = {}
    for one in frames:
        facing = tuple(round(x, 2) + 0.0 for x in one.orientation or ())
        kind = (one.series_instance_uid, one.sop_class_uid, one.image_type, facing, one.rows, one.columns)
        groups.setdefault((*kind, one.b_value or 0.0), []).append(one)
    return tuple(Candidate(tuple(group)) for group in groups.values())


def unfit(candidate: Candidate) -> str:
    """Return in one sentence why these frames cannot be phases of the dynamic series; empty where they can."""
    one = candidate.frames[0]
    if one.modality != "MR":
        return f"It is no MR image ({one.modality or 'modality not stated'})."
    if one.sop_class_uid not in MR_CLASSES:
        return "It is a secondary capture or another object without the geometry of a scan."
    return _marked(one) or _weighting(one) or _derived(one) or _placeless(candidate.frames)


def _marked(one: FrameHeader) -> str:
    tokens = {token.strip().upper() for token in one.image_type[2:]}
    coded = (reason for marks, _, reason in _MARKS if tokens & marks)
    called = (reason for _, pattern, reason in _MARKS if pattern.search(one.description))
    return next(coded, "") or next(called, "")


def _weighting(one: FrameHeader) -> str:
    if one.b_value or ("EP" in one.scanning_sequence and "GR" not in one.scanning_sequence):
        return "It is diffusion-weighted or echo-planar."
    if one.echo_ms is not None and one.echo_ms > _LONGEST_ECHO_MS:
        return f"It is not T1-weighted: its echo time is {one.echo_ms:.0f} ms."
    if one.repetition_ms is not None and one.repetition_ms > _LONGEST_REPETITION_MS:
        return f"It is not a fast T1-weighted series: its repetition time is {one.repetition_ms:.0f} ms."
    if one.echo_ms is None and _T2.search(one.description):
        return "It is called T2-weighted."
    return ""


def _derived(one: FrameHeader) -> str:
    if one.image_type[:1] == ("DERIVED",) and one.image_type[1:2] != ("PRIMARY",):
        return "It is derived from other images, not acquired."
    return ""


def _placeless(frames: Sequence[FrameHeader]) -> str:
    if any(one.position is None or one.orientation is None for one in frames):
        return "Its slices state no position or orientation."
    return ""
