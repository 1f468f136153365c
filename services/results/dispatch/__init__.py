"""results.dispatch.

in: the ledger's outbox, leases and deadlines. out: orders to Celery, cases moved on. never: runs a predictor.
"""
