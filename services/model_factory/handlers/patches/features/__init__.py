"""Hand-made features of a patch (paper 003 compares 39 of them between five grades; three are named, the rest is ours).

in: patches brought to the reference's stains. out: 39 named numbers each, compared between grades. never: a network.
"""
