"""Simulated breast cancer on glass, stained with haematoxylin and eosin, with a truth about HER2 that is known.

in: a seed, a scanner, sizes. out: pixels with tumour outlines, pyramidal TIFF, DICOM slides, whole cohorts. never: a
patient, a real slide; every object and every sheet says that it is simulated.
"""
