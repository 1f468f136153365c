"""results.serve.

in: gRPC calls. out: ledger transactions. never: waits for a PACS, a worker or Redis.
"""
