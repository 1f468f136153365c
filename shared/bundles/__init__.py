"""Model bundles: format, verification, signature; the demonstration bundles lie in ``demonstration``.

in: a bundle folder and trusted public keys. out: a verified manifest. never: pickle, unsigned or altered files.
"""
