"""From which phase on contrast is in the body: by the attributes, else the images, else the pause, else custom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from shared.imaging.dynamic import FrameHeader, ImageProblem, ImageTrouble
from shared.imaging.phases import TimePoint

Brightened = Callable[[Sequence[FrameHeader], Sequence[FrameHeader]], float | None]
"""Share of the tissue (0 to 1) that is at least half as bright again in the second phase as in the first; None where
that cannot be measured. Slices in order."""
LEAST_BRIGHTENED = 0.002
"""A smaller share is noise and motion: heart, vessels and a tumour are more of any breast study."""
_ONSET = 0.2
"""Share of the largest brightening at which contrast has arrived."""
_PAUSE = 1.15
"""How much longer than the others the first interval is where somebody injected in it."""
_OTHER_INJECTION_S = 60.0
_STALE_S = 1800.0
"""A start of injection so long before the first phase belongs to something else."""
_NO_AGENT = frozenset(
    {"", "NONE", "NO", "N", "N/A", "NA", "NIL", "0", "WITHOUT", "NO CONTRAST", "NATIVE", "UNENHANCED"}
)


@dataclass(frozen=True, slots=True)
class Onset:
    """How many phases at the beginning are without contrast, and how that is known."""

    before: int
    why: str
    bolus: float | None = None
    """Start of the injection on the clock of the phases; None where nothing states it."""
    remarks: tuple[str, ...] = ()


def contrast_given(frame: FrameHeader) -> bool:
    """Tell whether the frame names a contrast agent; some scanners write NONE."""
    return frame.contrast_agent.strip().upper() not in _NO_AGENT


def onset_of(
    points: Sequence[TimePoint], starts: Sequence[float] | None, brightened: Brightened | None = None
) -> Onset | ImageTrouble:
    """Return where contrast begins among phases in order of time; ``starts`` are their beginnings on one clock."""
    boluses = _boluses(points)
    if boluses and boluses[-1] - boluses[0] > _OTHER_INJECTION_S:
        minutes = (boluses[-1] - boluses[0]) / 60
        text = (
            f"Two injections of contrast, {minutes:.0f} minutes apart, are stated: which one a phase shows is unclear."
        )
        return ImageTrouble(ImageProblem.TWO_INJECTIONS, text)
    agents = [contrast_given(one.head) for one in points]
    if True in agents and False in agents[agents.index(True) :]:
        text = "Contrast is stated for a phase and not for a later one: more than one injection, or phases mixed up."
        return ImageTrouble(ImageProblem.TWO_INJECTIONS, text)
    return (
        _by_bolus(boluses, starts)
        or _by_agent(agents)
        or _by_images(points, brightened)
        or _by_pause(starts)
        or _by_custom(points)
    )


def _boluses(points: Sequence[TimePoint]) -> list[float]:
    return sorted({one.bolus_seconds for point in points for one in point.frames if one.bolus_seconds is not None})


def _by_bolus(boluses: Sequence[float], starts: Sequence[float] | None) -> Onset | None:
    """Compare with Contrast/Bolus Start Time; a phase in whose first half it falls is one after contrast."""
    if not boluses or not starts or boluses[0] < starts[0] - _STALE_S or boluses[0] > starts[-1]:
        return None
    bolus, ends = boluses[0], [*starts[1:], starts[-1]]
    before = sum((start + end) / 2 < bolus for start, end in zip(starts, ends, strict=True))
    if before == 0 and starts[0] < bolus:  # what began before the injection was meant to be without contrast
        before = 1
    return Onset(before, "Contrast/Bolus Start Time tells when contrast was given", bolus)


def _by_agent(agents: Sequence[bool]) -> Onset | None:
    if True not in agents or all(agents):
        return None  # scanners that name it for the whole examination, or never
    return Onset(agents.index(True), "Contrast/Bolus Agent is named from that phase on")


def _by_images(points: Sequence[TimePoint], brightened: Brightened | None) -> Onset | None:
    """Find the first phase that is brighter than the first of all."""
    if brightened is None or len(points) < 2:
        return None
    shares = [brightened(points[0].frames, later.frames) for later in points[1:]]
    known = [share for share in shares if share is not None]
    if len(known) < len(shares):
        return None
    if max(known) < LEAST_BRIGHTENED:
        remark = "no phase is brighter than the first: contrast was given before it, or not at all"
        return Onset(0, "no phase enhances over the first", remarks=(remark,))
    threshold = max(LEAST_BRIGHTENED, _ONSET * max(known))
    before = 1 + next(index for index, share in enumerate(known) if share >= threshold)
    return Onset(before, "the images brighten from that phase on")


def _by_pause(starts: Sequence[float] | None) -> Onset | None:
    if starts is None or len(starts) < 4:
        return None
    steps = [later - earlier for earlier, later in pairwise(starts)]
    usual = median(steps[1:])
    if max(steps[1:]) > _PAUSE * usual or steps[0] < _PAUSE * usual:
        return None
    remark = "nothing states when contrast was given; the pause after the first phase is taken for the injection"
    return Onset(1, "a pause follows the first phase", remarks=(remark,))


def _by_custom(points: Sequence[TimePoint]) -> Onset:
    if len(points) == 1:
        given = contrast_given(points[0].head)
        remark = () if given else ("nothing states whether contrast was given before the only phase",)
        return Onset(0, "the study has a single phase", remarks=remark)
    remark = ("nothing states when contrast was given; the first phase is taken to be the one before it",)
    return Onset(1, "protocols begin with a phase without contrast", remarks=remark)
