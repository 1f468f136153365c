"""Logging as events with fields; identifiers of cases, never of people.

in: events. out: one line per event on standard error. never: names, patient identifiers, whole objects.
"""
