"""Patches cut from slides: the grid a score is made of, and those inside and outside of annotated tumour to learn from.

in: an open slide, where its tumour is. out: pixels brought to the reference's stains, with tissue and tumour shares.
never: a label of the slide, a file, a patch that serving would have prepared otherwise.
"""
