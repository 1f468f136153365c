"""Proportional hazards models as predictors see them: inputs, columns, risks with intervals, nomogram points.

in: a Cox model's numbers, a row of values as text. out: columns, risks, points, axes. never: a value outside the range
the model has seen, an imputed one, I/O. Plain Python in double precision: the graph of a bundle is checked against it.
"""
