"""A simulated cohort for lung metastasis: published marginals, correlations that make sense, and a truth that is known.

in: a seed, a number of patients, a follow-up. out: candidates, times and events, as arrays or as a manifest with its
sheet. never: a patient; everything is drawn, and the manifest says so.
"""
