"""Who may be learned from: folds of patients, and the check that nothing learned elsewhere slips in.

Selectors, scalers, imputers, cut-points, thresholds and oversamplers are fitted on :class:`TrainingRows`, which only a
:class:`Fold` makes; what they learned carries the patients it has seen, and is refused where it has seen too many.
"""
