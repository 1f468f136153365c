"""HL7 v2 results -> FHIR R4 (after HL7's v2-to-FHIR mapping), so that there is one way for facts.

What cannot be mapped is a doubt that goes along with the resource: it is told where the resource would be used, and
nowhere else. A laboratory sends hundreds of results that are none of our business, each of them damaged in its own way.
"""
