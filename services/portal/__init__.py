"""portal.

in: people and EHRs by HTTP. out: pages, CDS Hooks cards, read-only views of what the other services say.
never: a database of its own, a decision about a case.
"""
