"""Tasks for reader processes, some of them hostile; named in tests as "worker_tasks:FUNCTION"."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from composer_core.errors import RefusedFile


def echo(name: str, data: bytes, options: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """The name's end, the options and the bytes as they came."""
    return {"name": name, "options": options, "pid": os.getpid()}, data


def obey(name: str, data: bytes, options: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Do what the file says: die, hang, eat memory, raise, refuse, or answer."""
    order = data.split(b":")[-1]
    if order == b"die":
        os.kill(os.getpid(), signal.SIGSEGV)
    if order == b"hang":
        time.sleep(600)
    if order == b"eat":
        return {"bytes": len(bytearray(2 * 1024**3))}, b""
    if order == b"raise":
        raise ZeroDivisionError("a mistake of ours")
    if order == b"refuse":
        raise RefusedFile("bad_resolution", path=name, value=0)
    return {"pid": os.getpid()}, data
