"""A real PostgreSQL cluster on a free port, for the contract suites."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from shared.testing.ports import free_port, wait_until

_NOT_FOR_A_POWER_CUT = {"fsync": "off", "full_page_writes": "off"}
"""A killed server loses nothing by them; a machine that loses power does, and its tests with it."""


def postgresql_folder() -> Path | None:
    """Return the folder with initdb and postgres, or None where PostgreSQL is not installed."""
    candidates = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), Path("/usr/local/bin")]
    return next((folder for folder in candidates if (folder / "initdb").exists()), None)


@contextmanager
def start_postgresql(folder: Path, options: Mapping[str, str] = MappingProxyType({})) -> Iterator[str]:
    """Run a cluster below ``folder``, with further options, and yield the SQLAlchemy URL of an empty database.

    ``initdb`` refuses to run as root; then everything runs as the unprivileged user ``postgres`` (or ``nobody``).
    """
    programs = postgresql_folder()
    if programs is None:
        raise FileNotFoundError("PostgreSQL is not installed: apt-get install postgresql")
    data, port, user = folder / "pgdata", free_port(), _unprivileged_user()
    prefix = _become(user, folder)
    subprocess.run([*prefix, str(programs / "initdb"), "-D", str(data), "-U", "oncorelay", "-A", "trust", "--no-sync"],
                   check=True, stdout=subprocess.DEVNULL, cwd="/")  # fmt: skip
    server = subprocess.Popen(
        [*prefix, str(programs / "postgres"), "-D", str(data), "-p", str(port), "-k", "", "-h", "127.0.0.1",
         *(f"--{name}={value}" for name, value in {**_NOT_FOR_A_POWER_CUT, **options}.items())],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
    )  # fmt: skip
    try:
        wait_until(lambda: _is_ready(programs, port), "postgresql", timeout_s=60.0)
        yield f"postgresql+psycopg://oncorelay@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)  # fast shutdown: open sessions are cut
        server.wait()


def _is_ready(programs: Path, port: int) -> bool:
    """Ask with pg_isready: a cluster that starts takes connections before it answers them."""
    asked = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    return subprocess.run(asked, timeout=20, cwd="/").returncode == 0


def _unprivileged_user() -> str:
    if os.geteuid() != 0:
        return ""
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _become(user: str, folder: Path) -> list[str]:
    if not user:
        return []
    for path in (folder, *folder.iterdir()):
        shutil.chown(path, user)
    for parent in folder.parents:
        if parent.owner() == "root" and parent != Path("/") and parent != Path("/tmp"):  # noqa: S108
            parent.chmod(parent.stat().st_mode | 0o011)
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
