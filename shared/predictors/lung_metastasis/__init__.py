"""lung_metastasis: risk of lung metastasis of breast cancer within 5 and 10 years, with its nomogram.

in: the laboratory values of one draw (hsCRP, IL-6, IFN-α, TNF-α), endocrine therapy, what would shut the model out.
out: one risk per horizon with its interval and points, or a coded refusal. never: an imputed value, one outside the
range the model has seen, values of two draws.

Source: paper 002 (cytokine nomogram). It publishes no coefficients: every bundle is fitted on a cohort of its own.
"""
