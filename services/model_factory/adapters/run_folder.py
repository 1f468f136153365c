"""A run on disk: ``identity.json``, ``checkpoints/*.json``, ``results.json``; each file appears whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from shared.domain.errors import ConflictError, InvalidInputError

IDENTITY = "identity.json"
CHECKPOINTS = "checkpoints"


class FolderCheckpoints:
    """Pieces of a run, one JSON file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, key: str) -> Any | None:
        """Return the piece kept under ``key``; None where there is none."""
        try:
            return json.loads((self._folder / f"{key}.json").read_bytes())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise InvalidInputError(f"{CHECKPOINTS}/{key}.json", "is damaged; remove it and resume") from error

    def put(self, key: str, piece: Any) -> None:
        """Keep ``piece`` under ``key``."""
        write_whole(self._folder / f"{key}.json", json.dumps(piece).encode())


class FolderStates:
    """States of trainings under way, one file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, key: str) -> bytes | None:
        """Return the state kept under ``key``; None where there is none."""
        try:
            return (self._folder / f"{key}.state").read_bytes()
        except FileNotFoundError:
            return None

    def put(self, key: str, state: bytes) -> None:
        """Keep ``state`` under ``key``."""
        write_whole(self._folder / f"{key}.state", state)


def open_run(folder: Path, inputs_digest: str, *, resume: bool) -> FolderCheckpoints:
    """Begin a run in ``folder``, or go on with the one that is there.

    Raises:
        ConflictError: If the folder holds a run and ``resume`` is not set, or that run had other inputs.
    """
    identity = folder / IDENTITY
    if identity.exists():
        if not resume:
            raise ConflictError(f"{folder} holds a run already; go on with --resume, or choose another folder")
        if json.loads(identity.read_bytes()).get("inputs_digest") != inputs_digest:
            raise ConflictError(f"the run in {folder} was begun with other inputs, sizes, seed or software")
    else:
        if folder.exists() and any(folder.iterdir()):
            raise ConflictError(f"{folder} is not empty and holds no run; choose another folder")
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(identity, json.dumps({"inputs_digest": inputs_digest}).encode() + b"\n")
    return FolderCheckpoints(folder / CHECKPOINTS)


def write_whole(file: Path, content: bytes) -> None:
    """Write ``file`` so that it is there whole, on disk, or not at all."""
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    with aside.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    aside.replace(file)
