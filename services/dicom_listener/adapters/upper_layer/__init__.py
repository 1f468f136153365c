"""The DICOM upper layer (PS3.8) for the accepting side: a thread and a blocking socket per association.

Bytes go straight from the socket into the inbox's memory. C-STORE and C-ECHO are served here; other requests go to
plugged-in services.
"""
