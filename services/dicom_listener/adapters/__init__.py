"""Disk, DICOM network and threads."""
