"""Which two stains a slide was made with, and every patch brought to the stains the network was trained on.

in: pixels of tissue; patches. out: a ``StainFit`` for the slide; patches in the reference's colours.
never: a fit per patch (a patch of low variance has no stains of its own), a random number.
"""
