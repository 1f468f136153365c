"""Reading FHIR R4 resources: bounded JSON in, readings and refusals out; pure and table driven.

in: bytes, parsed resources. out: readings (what a resource says), refusals that name the element. never: I/O, guesses,
values of people in a sentence.
"""
