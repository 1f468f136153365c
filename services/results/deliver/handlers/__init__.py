"""Use cases of deliver: one delivery at a time, one worker per sink."""
