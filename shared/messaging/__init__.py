"""Celery and Redis plumbing: how an order to run a case travels. Redis may be wiped at any moment.

in: case id and revision. out: the same. never: identifying data, inputs, results, truth about a case.
"""
