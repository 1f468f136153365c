"""Kills, cuts and fills. A package, so that its system ends with its last test."""
