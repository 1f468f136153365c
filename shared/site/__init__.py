"""One hospital's configuration, read once and typed: site.toml, then ONCORELAY_* from the environment.

in: one TOML file and the environment. out: frozen settings. never: secrets in the file (they lie in files it names).
A room of its own, because every service reads the same site file: site id, data folder, identity map, peers.
"""
