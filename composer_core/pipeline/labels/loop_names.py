"""What the loops of a library are called in files: their file, their name, their instrument, and back to their ids."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from composer_core.errors import InvalidValue, NotFound
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

_COLUMNS = ("loop_id", "source", "member", "start_bar", "bars", "instrument")
_WORD = re.compile(r"\w+")
_SILENT = frozenset({"bar", "bars", "小節目", "小節", "mid", "midi", "kar", "rmi"})
_SUFFIX = re.compile(r"\.(mid|midi|kar|rmi)$", re.I)


@dataclass(frozen=True, slots=True)
class LoopName:
    """A loop's id, its file (the member of an archive), what it is called there ("fill, bars 5-8") and for what."""

    loop_id: str
    file: str
    name: str
    instrument: str


def names_of(workspace: Workspace, loop_ids: Iterable[str]) -> dict[str, LoopName]:
    """The names of those of these loops that the library has."""
    rows = LoopStore(workspace).rows(loop_ids, _COLUMNS)
    return {loop_id: _name(row) for loop_id, row in rows.items()}


def _name(row: dict[str, Any]) -> LoopName:
    file = str(row["member"] or row["source"])
    first, last = int(row["start_bar"]) + 1, int(row["start_bar"]) + int(row["bars"])
    bars = f"bar {first}" if first == last else f"bars {first}-{last}"
    stem = _SUFFIX.sub("", PurePosixPath(file).name)
    return LoopName(str(row["loop_id"]), file, f"{stem}, {bars}", str(row["instrument"]))


class LoopFinder:
    """Loops by what a file calls them; the library is read when the first name is asked for."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._ids: dict[str, LoopName] | None = None
        self._by_file: dict[str, list[LoopName]] = {}
        self._by_name: dict[tuple[str, ...], list[LoopName]] = {}

    def of(self, path: str) -> list[str]:
        """Loops of the file a path names: a relative path fits every file whose path ends with it."""
        return [loop.loop_id for loop in self._of_file(path)]

    def find(self, loop_id: str, file: str = "", name: str = "", instrument: str = "") -> list[str]:
        """The loops a row speaks of: that of its id, else the one of its name (within its file where it names one),
        else all of its file.

        An id that the library does not have goes back as it is where no name helps. NotFound
        where a name fits no loop, InvalidValue where it fits several.
        """
        if not (file or name) or loop_id in self._known():
            return [loop_id]
        found = self._of_file(file) if file else self._by_name.get(_words(name), [])
        if file and name:
            found = [loop for loop in found if _words(loop.name) == _words(name)]
        if instrument:
            found = [loop for loop in found if loop.instrument == instrument.strip().casefold()]
        if not found:
            if loop_id:
                return [loop_id]
            raise NotFound("path_missing", path=file or name)
        if len(found) > 1 and (name or loop_id):
            expected = f"the name of one loop (it fits {len(found)}; give loop_id or instrument)"
            raise InvalidValue("bad_format", name="loop", value=name or file, expected=expected)
        return [loop.loop_id for loop in found]

    def _known(self) -> dict[str, LoopName]:
        if self._ids is None:
            table = LoopStore(self._workspace).table(list(_COLUMNS), whole=False)
            columns = [table[column] for column in _COLUMNS]
            loops = [_name(dict(zip(_COLUMNS, row, strict=True))) for row in zip(*columns, strict=True)]
            self._ids = {loop.loop_id: loop for loop in loops}
            for loop in loops:
                self._by_file.setdefault(_folded(_parts(loop.file)[-1]), []).append(loop)
                self._by_name.setdefault(_words(loop.name), []).append(loop)
        return self._ids

    def _of_file(self, path: str) -> list[LoopName]:
        self._known()
        parts = _parts(_folded(path))
        candidates = self._by_file.get(parts[-1], []) if parts else []
        return [loop for loop in candidates if _parts(_folded(loop.file))[-len(parts) :] == parts]


def _folded(text: str) -> str:
    """Text whose accents and voiced sounds are written alike: macOS takes them apart."""
    return unicodedata.normalize("NFC", text)


def _parts(path: str) -> tuple[str, ...]:
    return PurePosixPath(path.replace("\\", "/")).parts or ("",)


def _words(name: str) -> tuple[str, ...]:
    """A name's words and numbers, however they are joined: "fill, bars 5-8" is "fill · bars 5–8"."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return tuple(word for word in _WORD.findall(folded) if word not in _SILENT)
