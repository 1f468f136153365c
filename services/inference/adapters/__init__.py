"""Celery on one side, bundles on the other."""
