"""Use cases: receive resources, keep what they say, answer what is known, announce what changed."""
