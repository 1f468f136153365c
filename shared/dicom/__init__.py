"""Reading, checking and fingerprinting DICOM data sets; no I/O but bytes and objects whose place it is told.

in: encoded data sets. out: values of shared.domain, volumes of shared.imaging. never: network, its own files, medicine.
"""
