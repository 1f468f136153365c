"""Cox's model on a fold: coefficients, baseline, horizons that are given or refused, and how many events it needs."""
