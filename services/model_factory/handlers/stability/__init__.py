"""Would the features have been the same had the region, the settings or the phase been a little different?

in: one patient's images, altered in named ways; the features measured of each. out: per feature and alteration ICC and
the change of its AUC. never: a feature that could not be measured counted as stable.
"""
