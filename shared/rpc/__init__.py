"""gRPC plumbing: generated stubs, the one error table, servers, channels and typed clients.

in: domain values. out: domain values. never: decisions about cases or medicine.
"""
