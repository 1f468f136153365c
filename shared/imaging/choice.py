"""From the frames of a study to the phases of its dynamic series, with the reasons.

The measured phase is the post-contrast phase whose middle lies nearest 90 to 150 s after the injection, the earlier of
two that are equally near; the late one is nearest 450 s (as I-SPY measures, doi:10.1148/radiol.12110748).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.domain.identity import Side
from shared.domain.images import PhaseRole, RejectedSeries
from shared.imaging.contrast import Brightened, Onset
from shared.imaging.dynamic import DynamicChoice, FrameHeader, ImageProblem, ImageTrouble, Phase
from shared.imaging.phases import TimePoint, time_points
from shared.imaging.series import Candidate, alike_frames, unfit
from shared.imaging.sets import earlier_without_contrast, selected
from shared.imaging.stack import stacked
from shared.imaging.timeline import EARLY_SECONDS, Timeline, early_distance, timeline_of

LATE_SECONDS = 450.0
_MODALITIES = {"PT": "PET", "CT": "CT", "MG": "mammography", "US": "ultrasound", "NM": "nuclear medicine"}


def choose_dynamic(
    frames: Sequence[FrameHeader], *, brightened: Brightened | None = None, side: Side | None = None
) -> DynamicChoice | ImageTrouble:
    """Find the dynamic series, order its phases, and say which is measured and why.

    ``brightened`` looks into the images where no attribute says when contrast was given; ``side`` decides where each
    breast has a dynamic series of its own.
    """
    if not any(one.modality == "MR" for one in frames):
        return _no_mr(frames)
    candidates, rejected = _sorted_out(alike_frames(frames))
    points, unclear = _all_points(candidates)
    if not points:
        return unclear or _nothing(rejected)
    chosen = selected(points, side)
    if isinstance(chosen, ImageTrouble):
        return chosen
    timeline = timeline_of(chosen.points)
    if isinstance(timeline, ImageTrouble):
        return timeline
    onset = timeline.onset(brightened)
    if isinstance(onset, ImageTrouble):
        return onset
    before = None if onset.before else earlier_without_contrast(chosen, timeline.points[0])
    return _Choosing(timeline, onset, (*rejected, *chosen.rejected), before).choice()


def _no_mr(frames: Sequence[FrameHeader]) -> ImageTrouble:
    if not frames:
        return ImageTrouble(ImageProblem.NO_IMAGES, "The study holds no images.")
    kinds = sorted({_MODALITIES.get(one.modality, one.modality or "modality not stated") for one in frames})
    text = f"The study holds no MR images ({', '.join(kinds)}); a dynamic breast MRI is needed."
    return ImageTrouble(ImageProblem.WRONG_MODALITY, text)


def _sorted_out(groups: Sequence[Candidate]) -> tuple[list[Candidate], list[RejectedSeries]]:
    candidates: list[Candidate] = []
    rejected: dict[RejectedSeries, None] = {}
    for group in groups:
        reason = unfit(group)
        if reason:
            rejected[RejectedSeries(group.series_instance_uid, reason)] = None
        else:
            candidates.append(group)
    return candidates, list(rejected)


def _all_points(candidates: Sequence[Candidate]) -> tuple[list[TimePoint], ImageTrouble | None]:
    points: list[TimePoint] = []
    unclear = None
    for one in candidates:
        found = time_points(one)
        if isinstance(found, ImageTrouble):
            unclear = found
        else:
            points += found
    return points, unclear


def _nothing(rejected: Sequence[RejectedSeries]) -> ImageTrouble:
    reasons = list(dict.fromkeys(one.reason for one in rejected))
    text = f"No series of the study can be the dynamic one. {' '.join(reasons)}"
    return ImageTrouble(ImageProblem.NO_DYNAMIC_SERIES, text)


@dataclass(frozen=True, slots=True)
class _Choosing:
    """Everything that is known of the phases, on its way to a choice."""

    timeline: Timeline
    onset: Onset
    rejected: tuple[RejectedSeries, ...]
    before: TimePoint | None
    """A volume without contrast that has another geometry than the phases."""

    def choice(self) -> DynamicChoice | ImageTrouble:
        seconds = self.timeline.since_injection(self.onset)
        if self.onset.before == len(self.timeline.points):
            return ImageTrouble(ImageProblem.PHASE_MISSING, "No phase was taken after contrast was given.")
        early, late = _nearest_early(seconds, self.onset.before), _nearest_late(seconds, self.onset.before)
        roles = [PhaseRole.UNUSED] * len(seconds)
        if self.onset.before:
            roles[self.onset.before - 1] = PhaseRole.PRE
        if late is not None and late != early:
            roles[late] = PhaseRole.LATE
        roles[early] = PhaseRole.EARLY
        phases = self._phases(seconds, roles)
        choice = DynamicChoice(phases, self._why(early, seconds), self.rejected, self._remarks(early, seconds))
        return self._trouble(early, seconds, choice) or choice

    def _phases(self, seconds: Sequence[float | None], roles: Sequence[PhaseRole]) -> tuple[Phase, ...]:
        points = list(zip(self.timeline.points, seconds, roles, strict=True))
        if self.before is not None:
            points.insert(0, (self.before, None, PhaseRole.PRE))
        return tuple(
            Phase(one.head.series_instance_uid, number, when, role, tuple(each.frame for each in one.frames))
            for number, (one, when, role) in enumerate(points, 1)
        )

    def _why(self, early: int, seconds: Sequence[float | None]) -> str:
        count, shift = len(self.timeline.points), 0 if self.before is None else 1
        if count == 1:
            return f"The study has one volume that can be measured; {self.onset.why}."
        how = f"{count} phases, {self.timeline.told_apart}; {self.onset.why}"
        when = seconds[early]
        if when is None:
            return f"{how}. Phase {early + 1 + shift}, the first one after contrast, is measured."
        zero = "the injection" if self.onset.bolus is not None else "the end of the phase before contrast"
        window = f"{EARLY_SECONDS[0]:.0f} to {EARLY_SECONDS[1]:.0f} s"
        middle = f"its middle {when:.0f} s after {zero}"
        return f"{how}. Phase {early + 1 + shift}, {middle}, is nearest {window}: it is measured."

    def _remarks(self, early: int, seconds: Sequence[float | None]) -> tuple[str, ...]:
        remarks = [*self.onset.remarks, *self.timeline.remarks]
        when = seconds[early]
        after = len(seconds) - self.onset.before
        if when is None and after > 1:
            remarks.append("nothing states how long after the injection the phases were taken")
        elif when is not None and not EARLY_SECONDS[0] <= when <= EARLY_SECONDS[1]:
            remarks.append(
                f"the middle of the measured phase lies {when:.0f} s after the injection, outside 90 to 150 s"
            )
        if self.onset.before == 0 and self.before is None:
            remarks.append("there is no phase without contrast")
        if self.before is not None:
            remarks.append("the phase without contrast has another geometry than those with contrast")
        return tuple(remarks)

    def _trouble(self, early: int, seconds: Sequence[float | None], choice: DynamicChoice) -> ImageTrouble | None:
        """Say why the measured phase cannot be used, if it cannot."""
        measured = self.timeline.points[early]
        most = max(len(one.frames) for one in self.timeline.points)
        stack = stacked(measured.frames)
        if isinstance(stack, ImageTrouble):
            return replace(stack, choice=choice)
        if len(measured.frames) < most:
            text = f"The phase to be measured has {len(measured.frames)} slices, others have {most}."
            return ImageTrouble(ImageProblem.SLICES_MISSING, text, choice)
        if self.timeline.gap_nearer(early, seconds, self.onset.before):
            text = "The phase that would be measured is missing: the series declares more phases than there are."
            return ImageTrouble(ImageProblem.PHASE_MISSING, text, choice)
        return None


def _nearest_early(seconds: Sequence[float | None], first: int) -> int:
    """Return the phase from ``first`` on that is nearest the window; the first of them where no time is known."""
    return min(range(first, len(seconds)), key=lambda index: early_distance(seconds[index]))


def _nearest_late(seconds: Sequence[float | None], first: int) -> int | None:
    last = len(seconds) - 1
    if seconds[last] is None:
        return last if last > first else None
    return min(range(first, last + 1), key=lambda index: abs((seconds[index] or 0.0) - LATE_SECONDS))
