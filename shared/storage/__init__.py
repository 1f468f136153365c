"""The blob store: bytes by URI and digest, written durably, read back checked.

in: bytes. out: ``file://`` (or fsspec) URIs and sha256 digests. never: decisions about what the bytes mean.
"""
