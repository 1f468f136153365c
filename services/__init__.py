"""The services of OncoRelay; each one is a package with the same rooms (see README.md)."""
