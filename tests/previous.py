"""The previous version (``deploy/previous_version``) in a folder and a virtual environment of its own."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from services.cli import up
from services.cli.site_file import to_toml
from services.cli.supervisor import Program

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".venvs"
_BUILD_TIMEOUT_S = 900
_KNOWN_KEYS = """
import json
from importlib import import_module
from services.results.config import SinkSettings
from shared.site.settings import IdentityRow, Site
models = {"site": Site, "identity": IdentityRow, "sinks": SinkSettings}
known = {name: list(model.model_fields) for name, model in models.items()}
for table in ("dicom_listener", "lab_consumer", "inference", "results"):
    known[table] = list(import_module("services." + table + ".config").Settings.model_fields)
print(json.dumps(known))
"""


@dataclass(frozen=True, slots=True)
class Previous:
    """A built version."""

    commit: str
    folder: Path

    @property
    def python(self) -> Path:
        """Return its interpreter."""
        return self.folder / "environment" / "bin" / "python"

    def known_keys(self) -> dict[str, list[str]]:
        """Return the tables of ``site.toml`` that it knows, with their keys; it refuses what it does not understand."""
        command = (str(self.python), "-c", _KNOWN_KEYS)
        folder = self.folder / "source"
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=60, env=_without_path(), check=True
        )
        return dict(json.loads(done.stdout))

    def command(self, program: Program, **environment: str) -> tuple[str, ...]:
        """Return the command of its own of one of our programs; it imports nothing from this checkout."""
        settings = [f"{key}={value}" for key, value in environment.items()]
        before = ("env", "-C", str(self.folder / "source"), "-u", "PYTHONPATH", *settings)
        return (*before, str(self.python), *program.command[1:])


class NoHistoryError(RuntimeError):
    """The checkout holds too little of the history."""


def previous_commit() -> str:
    """Return the commit id that ``deploy/previous_version`` names."""
    return (ROOT / "deploy" / "previous_version").read_text().strip()


def build_previous() -> Previous:
    """Unpack and install it, once per commit and per set of packages that this version pins.

    Raises:
        NoHistoryError: If this checkout does not hold that commit; says how to get it.
    """
    commit = previous_commit()
    ours = hashlib.sha256((ROOT / "constraints.txt").read_bytes()).hexdigest()
    built = Previous(commit, CACHE / f"previous-{commit[:12]}-{ours[:8]}")
    CACHE.mkdir(exist_ok=True)
    with (CACHE / ".previous.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (built.folder / "done").exists():
            shutil.rmtree(built.folder, ignore_errors=True)
            _unpack(commit, built.folder / "source")
            _install(built)
            (built.folder / "done").touch()
    return built


def _unpack(commit: str, folder: Path) -> None:
    packed = _archive(commit)
    if packed is None:  # a shallow clone: the one commit can often still be had
        _git("fetch", "--quiet", "--depth", "1", "origin", commit)
        packed = _archive(commit)
    if packed is None:
        raise NoHistoryError(
            f"the previous version {commit} is not in this checkout (a shallow clone?): git fetch --unshallow, or "
            "clone the whole history"
        )
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")


def _archive(commit: str) -> bytes | None:
    done = _git("archive", "--format=tar", commit)
    return done.stdout if done.returncode == 0 else None


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, timeout=_BUILD_TIMEOUT_S, check=False)


def _install(built: Previous) -> None:
    """Install it with exactly the packages it pins; those this version pins alike are not fetched once more."""
    _run(built, sys.executable, "-m", "venv", str(built.folder / "environment"))
    (packages,) = built.folder.glob("environment/lib/python*/site-packages")
    # Behind its own packages on the path: pip takes from there what has the pinned version, and installs the rest.
    (packages / "of_this_version.pth").write_text("".join(f"{place}\n" for place in _our_packages()))
    pip = (str(built.python), "-m", "pip", "install", "-q", "--disable-pip-version-check")
    _run(built, *pip, "-c", "constraints.txt", ".")


def _our_packages() -> list[Path]:
    return sorted({Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib")})


def _run(built: Previous, *command: str) -> None:
    done = subprocess.run(
        command, cwd=built.folder / "source", capture_output=True, timeout=_BUILD_TIMEOUT_S, env=_without_path(),
        check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"the previous version did not install: {done.stderr.decode(errors='replace')[-2000:]}")


def _without_path() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}


@contextmanager
def running_from(previous: Previous, names: frozenset[str], site: Path) -> Iterator[None]:
    """Have these services of the next system come from the previous version, reading a site file it understands."""
    ours = up.SERVICES
    older = {
        program.name: replace(program, command=previous.command(program, ONCORELAY_CONFIG=str(site)))
        for program in ours
        if program.name in names
    }
    up.SERVICES = tuple(older.get(program.name, program) for program in ours)
    try:
        yield
    finally:
        up.SERVICES = ours


def write_older(previous: Previous, site: Path, target: Path) -> None:
    """Take transport security out of a site file, and write beside it what the previous version understands.

    The previous version speaks plain gRPC, so on its machine everybody does, over loopback. It takes the password of
    Redis out of the URL; a file with it came later.
    """
    document = tomllib.loads(site.read_text())
    document["site"].pop("tls_folder", None)
    site.write_text(to_toml(document))
    known = previous.known_keys()
    older = to_toml({name: _known(content, known[name]) for name, content in document.items() if name in known})
    password = site.parent / "secrets" / "redis.password"
    if password.exists():
        older = older.replace("redis://", f"redis://:{password.read_text().strip()}@")
    target.write_text(older)


def _known(content: Any, keys: list[str]) -> Any:
    """Return a table, or each of several, without the keys that came later."""
    if isinstance(content, list):
        return [_known(row, keys) for row in content]
    return {key: value for key, value in content.items() if key in keys}
