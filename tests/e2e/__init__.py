"""The whole system, real processes. A package, so that its system ends with its last test."""
