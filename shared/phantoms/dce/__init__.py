"""Simulated breast DCE-MRI of women with node-positive cancer before chemotherapy, with a truth that is known.

in: a seed, a scanner, sizes. out: volumes with masks, valid DICOM in four ways of storing phases, whole cohorts. never:
a patient; every object and every sheet says that it is simulated.
"""
