"""slide_ingestion.

in: whole-slide images from a watched folder, an S3 prefix, the listener. out: checked slides and cases.
never: guesses a missing resolution, opens a label image for anything but the barcode check.
"""
