"""A cohort with types: every column has a unit or levels, every patient one row, time in years, an event."""
