"""Pictures of results, drawn once and written as SVG, PDF, JSON and terminal text.

in: a model's printed numbers, a prediction's points and risks. out: bytes and text, the same every time. never: I/O,
colour as the only carrier of a meaning, text turned into shapes, anything identifying a patient.
"""
