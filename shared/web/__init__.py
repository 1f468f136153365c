"""HTTP as every door needs it: a server in a thread, bounded reading, media types.

in: an ASGI application. out: a bound port that slow or silent peers cannot hold. never: what a request means.
Two services have HTTP doors (the FHIR door, STOW-RS), and a third is to come; none may import another's.
"""
