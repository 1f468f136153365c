"""Judge FHIR R4 JSON files with google-fhir-r4; runs in its own environment, which pins an old protobuf.

Usage: python google_judge.py FILE…   Prints one line of JSON per file: {"file", "resource", "error"}.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from pathlib import Path
from typing import cast


def proto_class(kind: str) -> type:
    """Return the protobuf message class of a resource type."""
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower()
    package = "bundle_and_contained_resource" if kind == "Bundle" else snake
    module = importlib.import_module(f"google.fhir.r4.proto.core.resources.{package}_pb2")
    return cast("type", getattr(module, kind))


def judge(path: Path) -> dict[str, str]:
    """Return the verdict; ``error`` is empty where there is none."""
    json_format = importlib.import_module("google.fhir.r4.json_format")
    text = path.read_text(encoding="utf-8")
    kind = json.loads(text)["resourceType"]
    try:
        json_format.json_fhir_string_to_proto(text, proto_class(kind), validate=True, default_timezone="UTC")
    except Exception as error:  # noqa: BLE001  (whatever the judge raises is its verdict)
        return {"file": path.name, "resource": kind, "error": f"{type(error).__name__}: {error}"}
    return {"file": path.name, "resource": kind, "error": ""}


if __name__ == "__main__":
    for name in sys.argv[1:]:
        sys.stdout.write(json.dumps(judge(Path(name))) + "\n")
