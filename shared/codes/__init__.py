"""Every code (LOINC, SNOMED CT, DCM, UCUM, local) once, with its source.

in: nothing. out: codings and tables. never: a code without a source that can be named.
"""
