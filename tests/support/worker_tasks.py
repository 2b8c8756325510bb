"""Tasks for reader processes, some of them hostile; named in tests as "worker_tasks:FUNCTION"."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from composer_core.errors import InvalidValue, RefusedFile

Files = list[tuple[str, bytes]]
Results = list[RefusedFile | tuple[dict[str, Any], bytes]]


def echo(files: Files, options: dict[str, Any]) -> Results:
    """Each file's name, the options, the size of the group, and the bytes as they came."""
    facts = {"options": options, "pid": os.getpid(), "group": len(files)}
    return [({"name": name, **facts}, data) for name, data in files]


def obey(files: Files, options: dict[str, Any]) -> Results:
    """Do what each file says: die, hang, eat memory, raise, refuse, or answer."""
    return [_obey(name, data) for name, data in files]


def _obey(name: str, data: bytes) -> RefusedFile | tuple[dict[str, Any], bytes]:
    order = data.split(b":")[-1]
    if order == b"die":
        os.kill(os.getpid(), signal.SIGSEGV)
    if order == b"hang":
        time.sleep(600)
    if order == b"eat":
        return {"bytes": len(bytearray(2 * 1024**3))}, b""
    if order == b"raise":
        raise ZeroDivisionError("a mistake of ours")
    if order == b"invalid":
        raise InvalidValue("value_out_of_range", name="tempo", value=2, low=5, high=1000, unit="")
    if order == b"refuse":
        return RefusedFile("bad_resolution", path=name, value=0)
    return {"pid": os.getpid()}, data
