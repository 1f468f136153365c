"""The report of a finished run: sections of blocks, written once as HTML (one file, no network) and once as PDF.

in: ``results.json`` of a run. out: the same blocks in both. never: a number that the run does not hold, a gap left out.
"""
