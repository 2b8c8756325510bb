"""Under which other names files were imported that the library has byte for byte already.

Loops keep the name under which their file came first. Every further name is kept here, keyed by the
SHA-256 of the file as loops are, so that whoever imported `final mix (2).mid` finds its loops by that name.
Rows are appended in Parquet parts, each written whole or not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import pyarrow as pa

from composer_core.store.atomic import locked
from composer_core.store.loops.part_files import read_part
from composer_core.store.loops.record import storable
from composer_core.store.loops.store import write_part
from composer_core.workspace import Workspace

_SCHEMA = pa.schema([("source_digest", pa.string()), ("source", pa.string()), ("member", pa.string())])
_MANY_PARTS = 64
"""When there are so many parts, they are gathered into one."""


@dataclass(frozen=True, slots=True, order=True)
class OtherName:
    """A further place of a file: the path it was imported from, and its name inside an archive ("" outside of one)."""

    source_digest: str
    source: str
    member: str = ""


class NameStore:
    """The other names of one workspace. Any number of processes may read; writers wait for each other."""

    def __init__(self, workspace: Workspace) -> None:
        self._folder = workspace.other_names

    def add(self, names: Iterable[OtherName]) -> int:
        """Keep the names that are not kept yet; how many those are. StoreError when they cannot be written."""
        given = {OtherName(one.source_digest, storable(one.source), storable(one.member)) for one in names}
        if not given:
            return 0
        with locked(self._folder / "lock"):
            fresh = sorted(given - set(self.all()))
            if fresh:
                self._append(fresh)
        return len(fresh)

    def all(self) -> list[OtherName]:
        """Every name, oldest part first."""
        return [OtherName(**row) for part in self._parts() for row in read_part(part, _SCHEMA.names).to_pylist()]

    def of(self, source_digest: str) -> list[OtherName]:
        """The other names of one file, in order."""
        return sorted(name for name in self.all() if name.source_digest == source_digest)

    def with_word(self, word: str) -> tuple[str, ...]:
        """Digests of the files one of whose other names has the word in it, whatever its case; in order."""
        wanted = word.lower()
        return tuple(
            sorted({n.source_digest for n in self.all() if wanted in n.source.lower() or wanted in n.member.lower()})
        )

    def digest(self) -> str:
        """A short text that changes with every further name."""
        names = "|".join(f"{part.name}:{part.stat().st_size}" for part in self._parts())
        return hashlib.sha256(names.encode()).hexdigest()[:16]

    def _append(self, names: Sequence[OtherName]) -> None:
        parts = self._parts()
        if len(parts) >= _MANY_PARTS:
            # The gathered part takes the first one's place, so that a crash leaves names twice, never none.
            write_part(parts[0], pa.concat_tables([read_part(part, _SCHEMA.names) for part in parts]))
            for part in parts[1:]:
                part.unlink()
            parts = parts[:1]
        number = int(parts[-1].stem.split("-")[1]) + 1 if parts else 1
        rows = zip(*(astuple(name) for name in names), strict=True)
        table = pa.table(dict(zip(_SCHEMA.names, rows, strict=True)), schema=_SCHEMA)
        write_part(self._folder / f"part-{number:06d}.parquet", table)

    def _parts(self) -> list[Path]:
        return sorted(self._folder.glob("part-*.parquet"))
