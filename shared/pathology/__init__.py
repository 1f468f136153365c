"""What H&E tissue on glass is made of, as arrays: stains, tissue, artefacts, patches and where they lie.

in: pixels (red, green, blue, 8 bits) with their micrometres. out: stain vectors, masks, grids, patch tables.
never: a file, a patient, a network.
"""
