"""HTTP to peers on this machine, by one client: each ``httpx.get`` reads all certificate authorities anew (50 ms)."""

from __future__ import annotations

import httpx

# No connection is kept: a peer that was killed and started again is never asked over one of its predecessor.
HTTP = httpx.Client(trust_env=False, timeout=20, limits=httpx.Limits(max_keepalive_connections=0))
"""Any thread may use it."""
