"""Engines a network runs on. Loaded when one is asked for; made after a fork, never before.

in: verified bytes of an ONNX graph. out: probability and heat of a crop. never: a file, a bundle, a silent fallback.
"""
