"""Folders, S3, the database, gRPC."""
