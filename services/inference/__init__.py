"""inference.

in: orders (case id, revision) from Celery; pinned inputs by ClaimAttempt. out: ReportPrediction to results.
never: torch, an unverified bundle, an answer without a lease.
"""
