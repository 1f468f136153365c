"""Predictors: pure functions from typed inputs to typed answers, one package each, and the registry that lists them.

in: studies and facts as values, a scoring function. out: readiness, predictions, coded refusals. never: I/O, transport.
"""

from shared.predictors.registry import REGISTRY as REGISTRY
