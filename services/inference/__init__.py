"""inference.

in: orders (case id, revision) from Celery; pinned inputs by ClaimAttempt; a person's "what if" by Explain (gRPC, in a
process of its own). out: ReportPrediction to results; points and risks to the person. never: torch, an unverified
bundle, an answer without a lease.
"""
