"""Drivers of results.dispatch."""
