"""Value objects and errors every service speaks; standard library only, no I/O.

in: nothing. out: frozen, validated values. never: transport, storage, formats.
"""
