"""Pickles by other people, read without running anything they bring.

Allowed are what opcodes build by themselves (lists, tuples, dicts, sets, texts, bytes,
numbers), `collections.Counter` and the paths of pathlib, which become pure paths. Any other
name a pickle asks for, and the opcodes for persistent and extension objects, refuse the file.
"""

from __future__ import annotations

import io
import pickle
from collections import Counter
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from composer_core.errors import RefusedFile

_ALLOWED: dict[tuple[str, str], type] = {
    ("collections", "Counter"): Counter,
    ("builtins", "set"): set,
    ("builtins", "frozenset"): frozenset,
    ("__builtin__", "set"): set,
    ("__builtin__", "frozenset"): frozenset,
    **{
        (module, name): kind
        for module in ("pathlib", "pathlib._local")
        for name, kind in {
            "Path": PurePosixPath,
            "PosixPath": PurePosixPath,
            "PurePosixPath": PurePosixPath,
            "PurePath": PurePosixPath,
            "WindowsPath": PureWindowsPath,
            "PureWindowsPath": PureWindowsPath,
        }.items()
    },
}
_DAMAGE = (
    pickle.UnpicklingError,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    KeyError,
    ImportError,
    OverflowError,
    RecursionError,
)


class _Restricted(pickle.Unpickler):
    def __init__(self, data: bytes, path: str) -> None:
        super().__init__(io.BytesIO(data))
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        """The allowed few; RefusedFile for anything else."""
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise RefusedFile("unsafe_pickle", path=self._path, what=f"{module}.{name}"[:100]) from None

    def persistent_load(self, _id: Any) -> Any:
        """Always refused."""
        raise RefusedFile("unsafe_pickle", path=self._path, what="a persistent object")


def read_pickle(path: str, data: bytes) -> object:
    """What the first pickle in `data` holds; what follows it is not looked at. Raises RefusedFile."""
    try:
        return _Restricted(data, path).load()
    except _DAMAGE as error:
        raise RefusedFile("unreadable_data", path=path, reason=str(error) or type(error).__name__) from error
