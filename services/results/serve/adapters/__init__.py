"""Transports of results.serve."""
