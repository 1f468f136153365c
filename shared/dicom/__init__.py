"""Reading, checking and fingerprinting DICOM data sets; no I/O beyond the bytes it is given.

in: encoded data sets. out: values of shared.domain. never: network, files of its own, medicine.
"""
