"""Seal a bundle: hash every file, write the manifest, sign it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from shared.bundles.manifest import MANIFEST_NAME, SIGNATURE_NAME, Manifest

Sign = Callable[[bytes], bytes]
"""Ed25519 over the manifest's bytes; the private key stays with the caller."""


def seal(draft: Mapping[str, Any], files: Mapping[str, bytes], sign: Sign) -> dict[str, bytes]:
    """Return every file of the bundle by name: ``files``, the manifest of ``draft`` and its signature.

    The same draft and files give the same manifest, byte for byte; a key the draft does not state is not written, so
    that a key the format gains later changes no bundle that does without it.

    Raises:
        pydantic.ValidationError: If the draft is no manifest.
    """
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    manifest = Manifest.model_validate({**draft, "files": digests})
    text = json.dumps(manifest.model_dump(mode="json", exclude_unset=True), indent=2, ensure_ascii=False) + "\n"
    content = text.encode()
    return {**files, MANIFEST_NAME: content, SIGNATURE_NAME: sign(content)}
