"""The case ledger: schema, the three state machines, migrations and the only transactions that change it.

in: domain values. out: domain values. never: network, rendering, anything outside its database.
"""
