"""Volumes, regions and dynamic series as values: arrays that know where in the patient they lie.

in: arrays with their geometry. out: the same, cropped, resampled, segmented. never: a file, a patient's name.

Everything is in the patient coordinate system of DICOM (LPS, PS3.3 C.7.6.2.1.1), in millimetres.
"""
