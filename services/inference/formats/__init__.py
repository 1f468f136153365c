"""A prediction for the command line."""
