"""Radiomic features of a region: pyradiomics behind a port, its filters computed once.

in: a volume, a mask, settings. out: features by pyradiomics' own names. never: a missing feature, a silent default.
"""
