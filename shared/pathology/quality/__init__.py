"""What spoils the glass: blur, pen, folds; found, not found, or not checked.

in: the overview, its tissue mask, patches at the network's scale. out: masks, flags for each patch, ``QualityRow``s.
never: "not found" for what was not looked at.
"""
