"""Whole-slide files behind one port: opened, described, gated by their metadata, read region by region.

in: paths of files nobody vouches for; everything here runs in the jail. out: descriptions, pixels (red, green, blue).
never: a label or macro image for anything but the barcode check, a guess at a missing resolution.
"""
