"""Statistics: pure functions over numpy arrays, one file per statistic.

``time`` is in years, ``event`` is boolean, ``x`` is (rows, columns), a row is one patient. Nothing here knows a cohort,
a file or a model; whoever calls has already put the rows of one fold in front of it.
"""
