"""Real peers started on free ports, builders and in-memory adapters, for tests and for the demonstration.

in: nothing. out: running peers, built values. never: imported by a service other than the command line.
"""
