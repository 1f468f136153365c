"""Parsing of foreign bytes in a child process with memory, CPU and time limits and no network.

In: a function's name and plain values. Out: its plain answer, arrays in a window of memory, or a coded reason.
Never: an outage of the caller.
"""
