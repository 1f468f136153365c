"""Wiring: the worker, and the process that answers "what if", which loads nothing of images, slides and queues."""
