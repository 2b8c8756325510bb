"""Which parts of the library count: parts are exchanged for others in one moment, and can be brought back whole.

Nothing is ever overwritten or moved. A part that is made for an exchange carries the exchange's id in its name and
does not count until the log names it; a part that was taken out stays where it is and no longer counts. The log is one
small file that is replaced whole, so a crash leaves the library as it was or as it is to be. Labels and exclusions are
kept by the ids of loops: those of loops that are out wait for them, untouched.

An exchange is taken back by another one, which puts in what the first took out.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from composer_core.errors import StoreError
from composer_core.store.atomic import read_json, write_json
from composer_core.store.loops.part_files import damaged_parts, parts_present
from composer_core.workspace import Workspace

_FORMAT = 1
_BASE_FIELDS = 3
"""part, number, digest: a fourth field between the hyphens is the id of the exchange a part was made for."""
_Stamp = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """Parts taken out of the library and parts put in, by name, and why.

    `kind` says what did it ("reread"); `takes_back` the id of the exchange that this one undoes, "" for others; `at`
    when (UTC, ISO 8601); `about` figures to show later, as plain values.
    """

    id: str
    kind: str
    taken_out: tuple[str, ...]
    put_in: tuple[str, ...]
    at: str = ""
    takes_back: str = ""
    about: Mapping[str, object] = field(default_factory=dict)


def new_exchange_id() -> str:
    """An id no other exchange has."""
    return secrets.token_hex(4)


def part_name(number: int, digest: str, exchange_id: str = "") -> str:
    """The name of a part; `exchange_id` is that of the exchange it is made for, "" for an ordinary part."""
    return f"part-{number:06d}-{digest}{f'-{exchange_id}' if exchange_id else ''}.parquet"


def part_number(name: str) -> int:
    """The number of a part, by which parts are ordered; one that takes a part's place has its number."""
    return int(name.split("-")[1].removesuffix(".parquet"))


def made_for(name: str) -> str:
    """The id of the exchange that a part was made for, "" for an ordinary one."""
    fields = name.removesuffix(".parquet").split("-")
    return fields[_BASE_FIELDS] if len(fields) > _BASE_FIELDS else ""


def counted_parts(workspace: Workspace) -> set[str]:
    """Names of the parts that count. StoreError when the log is damaged."""
    log = workspace.exchanges
    while True:
        # The log before the folder: a part that is made meanwhile does not count by its name alone.
        stamp = _stamp(log)
        out, put_in = _moved(log, stamp)
        present = parts_present(workspace.loops)
        if _stamp(log) == stamp:
            return {name for name in present if name not in out and (name in put_in or not made_for(name))}


def whole_parts(workspace: Workspace) -> set[str]:
    """Names of the parts that count and can be read; the others are noted as damaged."""
    counted = counted_parts(workspace)
    return counted - damaged_parts(workspace.loops, counted)


def exchanges(workspace: Workspace) -> tuple[Exchange, ...]:
    """All exchanges, oldest first. StoreError when the log is damaged."""
    return _read(workspace.exchanges, _stamp(workspace.exchanges))


def newest_standing(workspace: Workspace, kind: str) -> Exchange | None:
    """The newest exchange of a kind that was not taken back; None without one."""
    log = exchanges(workspace)
    undone = {one.takes_back for one in log}
    standing = (one for one in reversed(log) if one.kind == kind and not one.takes_back and one.id not in undone)
    return next(standing, None)


def taking_back(workspace: Workspace, undone: Exchange) -> Exchange:
    """The exchange that brings back what another took out; the caller commits it.

    StoreError when a later exchange has taken out what the other put in: that one has to be taken back first.
    """
    if set(undone.put_in) - counted_parts(workspace):
        later = [one.at for one in exchanges(workspace) if set(one.taken_out) & set(undone.put_in)]
        raise StoreError("exchange_built_on", at=undone.at, later=later[-1] if later else "?")
    return Exchange(new_exchange_id(), undone.kind, undone.put_in, undone.taken_out, takes_back=undone.id)


def append_exchange(workspace: Workspace, exchange: Exchange) -> Exchange:
    """Write an exchange to the log, stamped with the time: from this moment on its parts count.

    The caller holds the library's lock. StoreError when a part to be taken out does not count any more, a part to put
    in is not there, or the log cannot be written.
    """
    gone = set(exchange.taken_out) - counted_parts(workspace)
    lacking = set(exchange.put_in) - parts_present(workspace.loops)
    if gone or lacking:
        raise StoreError("library_changed", path=str(workspace.root), part=min(gone | lacking))
    done = Exchange(**{**asdict(exchange), "at": datetime.now(UTC).isoformat(timespec="milliseconds")})
    rows = [asdict(one) for one in (*exchanges(workspace), done)]
    write_json(workspace.exchanges, {"format": _FORMAT, "exchanges": rows})
    return done


def _stamp(log: Path) -> _Stamp:
    try:
        found = log.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


@lru_cache(maxsize=16)
def _read(log: Path, stamp: _Stamp) -> tuple[Exchange, ...]:
    if stamp is None:
        return ()
    try:
        content: Any = read_json(log)
        if content["format"] != _FORMAT:
            raise ValueError(f"format {content['format']} is of a later release; update Composer Studio")
        return tuple(
            Exchange(**{**row, "taken_out": tuple(row["taken_out"]), "put_in": tuple(row["put_in"])})
            for row in content["exchanges"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError("damaged_store", path=str(log), reason=str(error)) from error


@lru_cache(maxsize=16)
def _moved(log: Path, stamp: _Stamp) -> tuple[frozenset[str], frozenset[str]]:
    """Names of the parts that are out now, and of those that are in by an exchange."""
    out: set[str] = set()
    put_in: set[str] = set()
    for one in _read(log, stamp):
        out = (out | set(one.taken_out)) - set(one.put_in)
        put_in = (put_in - set(one.taken_out)) | set(one.put_in)
    return frozenset(out), frozenset(put_in)


def numbers_used(workspace: Workspace) -> Sequence[int]:
    """The numbers of all parts there are, also of those that do not count."""
    return [part_number(name) for name in parts_present(workspace.loops)]
