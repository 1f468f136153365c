"""Answering a case, and answering a person at the command line."""
