"""A PostgreSQL server of the tests' own, on a free port, from the installed programs."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_FOLDERS = ("/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin")
_NUMBERS = itertools.count()


def programs() -> Path | None:
    """The folder of initdb and postgres; None where PostgreSQL is not installed."""
    for pattern in _FOLDERS:
        for folder in sorted(Path("/").glob(pattern.lstrip("/")), reverse=True):
            if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
                return folder
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def why_not() -> str:
    """Why no server can be started here; "" when one can."""
    if programs() is None:
        return "PostgreSQL is not installed (apt-get install postgresql)"
    if os.getuid() == 0 and _account() is None:
        return "PostgreSQL does not run as root, and there is no account postgres to run it as"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed"
    return ""


def _account() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return None


def _run(*command: str | Path) -> None:
    """Run a program of PostgreSQL, as its own user where we are root."""
    account = _account() if os.getuid() == 0 else None
    options = {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=60, cwd="/", check=False, **options
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stdout}{done.stderr}")


@contextmanager
def running() -> Iterator[str]:
    """A server as long as the block runs; gives the URL of its database `postgres`. All settings are the defaults."""
    folder = programs()
    assert folder is not None
    with tempfile.TemporaryDirectory(prefix="composer-pg-", ignore_cleanup_errors=True) as place:
        account = _account() if os.getuid() == 0 else None
        if account is not None:
            os.chown(place, account.pw_uid, account.pw_gid)
        data, log = Path(place) / "data", Path(place) / "log"
        _run(folder / "initdb", "-D", data, "-U", "composer", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        options = f"-p {port} -h 127.0.0.1 -k {place} -c max_connections=100"
        _run(folder / "pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start")
        try:
            yield f"postgresql://composer@127.0.0.1:{port}/postgres"
        finally:
            _run(folder / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


def fresh_place(server: str) -> str:
    """URL of a new, empty schema on the server: a database of its own would cost a second."""
    import psycopg

    name = f"labels_{os.getpid()}_{next(_NUMBERS)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{server}?options=-csearch_path%3D{name}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a running server; skips with the reason where none can run."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with running() as server:
        yield server
