"""Where paper 003 contradicts itself or leaves open what it means: stated with every model, on card and report.

Li, Lin et al., Breast Cancer Research 2025 (TL-PA).
"""

from __future__ import annotations

CONTRADICTIONS = (
    (
        "HER2 3+ is scored lower than 2+/FISH+ there, though the ladder of levels puts 3+ on top: the score does "
        "not rise with the level, and levels are names, in no order of worth."
    ),
    (
        "A higher score went with a worse response to anti-HER2 therapy (non-pCR AUC .77, RCB rho .45): the score"
        " says nothing about who benefits."
    ),
    (
        "Eq. 1 makes the side of a patch from the scanned area: about 3,815 patches on every slide, and a field "
        "of view that changes with the glass and not with the magnification (42 pixels on 7 megapixels, 1,448 on "
        "8 gigapixels), while the network learns patches of 1024 and 2048 pixels."
    ),
    (
        "Eq. 6 sets the score to 0 where Area_IHC is at most .3 and Mean at most .17: scores jump from 0 to more "
        "than .17, and 1+ and part of 2+/FISH- are reached only where Area_IHC is above .3."
    ),
    (
        "The shift of cohort D is printed as approximately 0.5; scores there are 0 to .29, so .05 is meant: the "
        "size of a whole level. Without a calibration of the scanner a level means little."
    ),
    (
        "p(HER2+) is one of a three-way softmax and is held against .33: it is no probability of HER2-positive, "
        "and a patch that is surely tumour needs little to pass."
    ),
    "Patches are told apart with an AUC of .59 to .61 only; the slide's .75 to .77 comes from averaging many.",
    ("Area_IHC may exceed 1 where N[p > .33] is not restricted to tumour patches (reading B); the paper does not say."),
    (
        "The number of terms of Eq. 5 is not rounded in the paper; channel and type of the background rule are "
        "not stated."
    ),
    ("The whole ladder from 1+ to 2+/FISH+ spans .15 of a softmax probability: an interval belongs to every score."),
)
