"""The previous version (``deploy/previous_version``) in a folder and a virtual environment of its own."""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.cli import up
from services.cli.supervisor import Program

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".venvs"
_BUILD_TIMEOUT_S = 900
TLS_KEYS = frozenset({"tls_folder"})
"""The previous version speaks plain gRPC, so on its machine everybody does, over loopback."""
LATER_KEYS = TLS_KEYS | {"redis_password_file", "dicom_listener.grpc_address"}
"""Keys of ``site.toml`` that the previous version does not know; it refuses what it does not understand."""


@dataclass(frozen=True, slots=True)
class Previous:
    """A built version."""

    commit: str
    folder: Path

    @property
    def python(self) -> Path:
        """Return its interpreter."""
        return self.folder / "environment" / "bin" / "python"

    def program(self, name: str, *arguments: str, **environment: str) -> Program:
        """Return its program for a service; it imports nothing from this checkout."""
        settings = [f"{key}={value}" for key, value in environment.items()]
        command = ("env", "-C", str(self.folder / "source"), "-u", "PYTHONPATH", *settings, str(self.python), "-m")
        return Program(name, (*command, f"services.{name}", *arguments))


def previous_commit() -> str:
    """Return the commit id that ``deploy/previous_version`` names."""
    return (ROOT / "deploy" / "previous_version").read_text().strip()


def build_previous() -> Previous:
    """Unpack and install it, once per commit.

    Raises:
        RuntimeError: If this checkout does not hold that commit; says how to get it.
    """
    commit = previous_commit()
    built = Previous(commit, CACHE / f"previous-{commit[:12]}")
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
    packed = subprocess.run(["git", "archive", "--format=tar", commit], cwd=ROOT, capture_output=True)
    if packed.returncode != 0:
        raise RuntimeError(
            f"the previous version {commit} is not in this checkout (a shallow clone?): git fetch --unshallow, or "
            "clone the whole history"
        )
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")


def _install(built: Previous) -> None:
    source = built.folder / "source"
    for command in (
        (sys.executable, "-m", "venv", str(built.folder / "environment")),
        (str(built.python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-c", "constraints.txt", "."),
    ):
        done = subprocess.run(
            command, cwd=source, capture_output=True, timeout=_BUILD_TIMEOUT_S, env=_without_path(), check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"the previous version did not install: {done.stderr.decode(errors='replace')[-2000:]}")


def _without_path() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}


@contextmanager
def running_from(previous: Previous, names: frozenset[str], site: Path) -> Iterator[None]:
    """Have these services of the next system come from the previous version, reading a site file it understands."""
    ours = up.SERVICES
    older = {
        program.name: previous.program(program.name, *program.command[3:], ONCORELAY_CONFIG=str(site))
        for program in ours
        if program.name in names
    }
    up.SERVICES = tuple(older.get(program.name, program) for program in ours)
    try:
        yield
    finally:
        up.SERVICES = ours


def without(document: str, keys: frozenset[str]) -> str:
    """Return a site file without these keys, each ``key`` of any table or ``table.key``."""
    table, kept = "", []
    for line in document.splitlines():
        table = line.strip("[] ") if line.startswith("[") else table
        key = line.partition("=")[0].strip()
        if keys.isdisjoint((key, f"{table}.{key}")):
            kept.append(line)
    return "\n".join(kept)


def write_older(site: Path, target: Path) -> None:
    """Take transport security out of a site file, and write beside it what the previous version understands.

    It takes the password of Redis out of the URL; a file with it came later.
    """
    document = without(site.read_text(), TLS_KEYS)
    site.write_text(document)
    password = site.parent / "secrets" / "redis.password"
    older = without(document, LATER_KEYS)
    if password.exists():
        older = older.replace("redis://", f"redis://:{password.read_text().strip()}@")
    target.write_text(older)
