"""Simulated inputs in the standards' own formats, and real arrays dressed as them, from a seed.

in: arrays, seeds. out: data sets. never: anything that could be taken for a patient.
"""
