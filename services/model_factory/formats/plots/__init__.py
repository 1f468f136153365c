"""Pictures of a finished run as scenes, one file per kind.

in: curves, tables and counts of ``results.json``. out: scenes of ``shared.pictures``, each with a title and a
description in words. never: computing a statistic, colour as the only carrier of a meaning.
"""
