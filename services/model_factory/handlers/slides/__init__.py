"""her2 from slides: folds by patient, patch networks, TL-PA and its comparators, judgement, what the bundle says.

in: a cohort of slides and their patches, a trainer. out: results of a run, a calibration. never: a slide's file.
"""
