"""Bits of ``PatchTable.artefacts``."""

BLUR, PEN, FOLD = 1, 2, 4
