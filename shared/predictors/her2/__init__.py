"""her2: what HER2 level a slide stained with haematoxylin and eosin resembles, by TL-PA.

in: a slide's patches with what the network says of each, the site's readings of the paper, exclusions, a calibration.
out: score with its interval, level or "indeterminate, reflex IHC/ISH", probability of HER2-positive; or a coded
refusal. never: a file, a network, a claim about IHC or FISH, an order of worth between
levels.

Source: paper 003 (TL-PA, Breast Cancer Research 2025), Eq. 2-6. It publishes no weights: every bundle is trained on a
cohort of its own.
"""
