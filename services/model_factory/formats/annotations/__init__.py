"""Annotations of tumour as pathologists' programs write them: QuPath GeoJSON, ASAP XML, a mask picture.

in: the bytes of a file nobody vouches for. out: an ``Annotation``, or a refusal that says why. never: a guess at which
class means tumour.
"""
