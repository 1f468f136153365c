"""``oncorelay backup`` and ``oncorelay restore``: everything durable of a site, while it runs, in an order that holds.

Whoever hands something on is copied before whoever takes it: facts and the listener's index and journal, then the
ledger, then the blobs. What the copy of a sender still owes is sent again (writes have request ids); what the copy of
the ledger or journal refers to was written before it, so it is there when the blobs are copied.
"""
