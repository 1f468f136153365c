"""One training run: its stages, what it keeps while it runs, and the result everything later is made from."""
