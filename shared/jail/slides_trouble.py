"""Why a slide could not be read, as the jail sees it."""

from __future__ import annotations

from shared.jail.codes import JailCode
from shared.pathology.trouble import SlideProblem, SlideTrouble

MAYBE_INNOCENT = (JailCode.DIED, JailCode.OUT_OF_MEMORY)
"""The kernel may have taken a child for want of memory elsewhere: what it read is read once more."""
_TEXTS = {
    JailCode.DIED: (SlideProblem.CRASHED, "Reading the slide crashed."),
    JailCode.OUT_OF_MEMORY: (SlideProblem.CRASHED, "Reading the slide takes more memory than a slide may."),
    JailCode.TOO_SLOW: (SlideProblem.CRASHED, "Reading the slide takes longer than a slide may."),
    JailCode.ANSWER_TOO_LARGE: (SlideProblem.UNREADABLE, "The slide says more of itself than is read."),
    JailCode.FORBIDDEN: (SlideProblem.CRASHED, "Reading the slide tried what no slide may."),
    JailCode.FAILED: (SlideProblem.UNREADABLE, "Reading the slide failed."),
}
_REMEDY = "Export the slide again, or as DICOM or pyramidal TIFF."


def trouble_of(code: JailCode) -> SlideTrouble:
    """Return the trouble a pathologist is told."""
    problem, text = _TEXTS[code]
    return SlideTrouble(problem, text, _REMEDY)
