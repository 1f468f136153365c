"""Training from images: ln_pcr, whose outcome is yes or no.

in: a cohort with images, what was measured in them, networks by their port. out: the results of a run and the graphs of
its models. never: a file, torch, a held-out patient in anything that is fitted.
"""
