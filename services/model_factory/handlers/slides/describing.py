"""The slides of a cohort in numbers, before anything was learned."""

from __future__ import annotations

from collections import Counter

import numpy as np

from services.model_factory.handlers.cohort.slides import LEVEL_NAMES, SlideCohort
from services.model_factory.handlers.slides.patches import SlidePatches
from services.model_factory.handlers.slides.results import SlidesFacts


def slides_facts(cohort: SlideCohort, patches: SlidePatches) -> SlidesFacts:
    """Return what the slides are."""
    notes = [patches.note(place) for place in range(cohort.n)]
    sites = Counter(cohort.sites)
    positive = Counter(site for site, event in zip(cohort.sites, cohort.events, strict=True) if event)
    levels = Counter(LEVEL_NAMES[one] if one >= 0 else "not known" for one in cohort.levels)
    return SlidesFacts(
        slides=cohort.n,
        patients=len(set(cohort.patients)),
        annotated=sum(one.annotation is not None for one in cohort.slides),
        scanners=tuple(sorted(Counter(one.scanner or "not stated" for one in notes).items())),
        sites=tuple((site or "not stated", sites[site], positive[site]) for site in sorted(sites)),
        levels=tuple((name, levels[name]) for name in (*LEVEL_NAMES, "not known") if levels[name]),
        treated=int((cohort.non_pcr >= 0).sum()),
        fallbacks=tuple(sorted(one.stain.fallback for one in notes if one.stain.fallback)),
        smallest_angle=float(np.min([one.stain.angle_degrees for one in notes])),
    )
