"""Make parts ready that take the place of others, and exchange them in one moment (see `exchanges`).

A staged part holds the rows of the part it is to replace, without some loops and with others, at the same number, so
that the library keeps its order. Which loop repeats which (`duplicate_of`) is worked out again for all contents that
come or go, in the same exchange.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from composer_core.errors import StoreError
from composer_core.store.atomic import locked
from composer_core.store.loops.columns import completed, loops_table, notes_table
from composer_core.store.loops.exchanges import (
    Exchange,
    append_exchange,
    exchanges,
    made_for,
    part_name,
    part_number,
)
from composer_core.store.loops.part_files import parts_present, read_part
from composer_core.store.loops.record import LoopRecord
from composer_core.store.loops.store import LoopStore, write_part
from composer_core.workspace import Workspace

_CONTENT = ("loop_id", "content_hash", "duplicate_of")


@dataclass(frozen=True, slots=True)
class FileRows:
    """What a part is to hold of one source file: these loops and no others. `created_at` are the times of those that
    keep theirs, by id; the others are new."""

    records: Sequence[LoopRecord]
    created_at: Mapping[str, datetime]


def stage_part(
    workspace: Workspace,
    exchange_id: str,
    name: str,
    files: Mapping[str, FileRows],
    stamp: Mapping[str, pa.Scalar] | None = None,
    stamped: frozenset[str] = frozenset(),
) -> str:
    """Write the part that is to replace `name`: of the files named by digest the given loops, the others as they are.

    `stamp` are values by column for the rows of the `stamped` files. Gives the new part's name, "" where no loop is
    left. StoreError when it cannot be written.
    """
    store = LoopStore(workspace)
    loops, notes = store.part_table(name), read_part(workspace.notes / name, None)
    records = [record for rows in files.values() for record in rows.records]
    order = _order(loops.column("source_digest").to_pylist(), files)
    if not order:
        return ""
    stayed = _stamped(loops, stamp or {}, stamped)
    put_in = _new_rows(files, records)
    both = pa.concat_tables([stayed, put_in], promote_options="default") if records else stayed
    chosen = both.take(pa.array(order))
    chosen = _with_column(chosen, "first_note", _starts(chosen.column("n_notes").to_numpy()))
    n_old_notes = notes.num_rows
    if records:
        notes = pa.concat_tables([notes, notes_table(records)], promote_options="default").unify_dictionaries()
    first = both.column("first_note").to_numpy().copy()
    first[loops.num_rows :] += n_old_notes
    lines = _note_lines(first[order], both.column("n_notes").to_numpy()[order])
    made = part_name(part_number(name), _digest_of(name, chosen.column("loop_id").to_pylist()), exchange_id)
    with store.locked():
        # Another process that appends removes notes without loops, so both are written under the lock.
        write_part(workspace.notes / made, notes.combine_chunks().take(pa.array(lines)))
        write_part(workspace.loops / made, chosen)
    return made


@contextmanager
def exchanging(workspace: Workspace) -> Iterator[None]:
    """Wait until no other process makes an exchange ready. Whoever stages parts is in here all the while."""
    with locked(workspace.create().exchanges.with_suffix(".lock")):
        yield


def drop_leftovers(workspace: Workspace, keep: str = "") -> None:
    """Remove parts that were made for exchanges and never came in, but those of the exchange `keep`."""
    came_in = {name for one in exchanges(workspace) for name in one.put_in}
    with LoopStore(workspace).locked():
        for folder in (workspace.loops, workspace.notes):
            for name in parts_present(folder) - came_in:
                if made_for(name) not in ("", keep):
                    (folder / name).unlink(missing_ok=True)


def commit(workspace: Workspace, exchange: Exchange) -> Exchange:
    """Let an exchange come about, all of it or nothing; gives it as the log has it, stamped with the time.

    StoreError when the library changed meanwhile in a part that is to be taken out, or cannot be written.
    """
    store = LoopStore(workspace)
    with store.locked():
        settled = _settled(workspace, store, exchange)
        return append_exchange(workspace, settled)


def _order(digests: Sequence[str], files: Mapping[str, FileRows]) -> list[int]:
    """Rows of the old part and, counted on from its end, of the new loops, in the order they are to have: the loops of
    a file stand where its first one stood."""
    starts, start = {}, len(digests)
    for digest, rows in files.items():
        starts[digest] = range(start, start + len(rows.records))
        start += len(rows.records)
    order: list[int] = []
    for index, digest in enumerate(digests):
        if digest not in files:
            order.append(index)
        else:
            order += starts.pop(digest, ())
    return order


def _new_rows(files: Mapping[str, FileRows], records: Sequence[LoopRecord]) -> pa.Table:
    now = datetime.now(UTC)
    if not records:
        return pa.table({})
    made = loops_table(records, {}, now)
    kept = {loop_id: at for rows in files.values() for loop_id, at in rows.created_at.items()}
    times = pa.array([kept.get(record.loop_id, now) for record in records], pa.timestamp("us", tz="UTC"))
    return _with_column(made, "created_at", times)


def _stamped(loops: pa.Table, stamp: Mapping[str, pa.Scalar], stamped: frozenset[str]) -> pa.Table:
    """The old rows, those of the named files with other values in some columns."""
    loops = completed(loops, tuple(stamp))
    chosen = pc.is_in(loops.column("source_digest"), pa.array(sorted(stamped), pa.string()))
    for column, value in stamp.items():
        loops = _with_column(loops, column, pc.if_else(chosen, value, loops.column(column)))
    return loops


def _with_column(table: pa.Table, name: str, values: object) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(name), values)


def _starts(counts: Iterable[int]) -> pa.Array:
    return pa.array(np.cumsum([0, *counts])[:-1], pa.int64())


def _note_lines(first: NDArray[np.int64], counts: NDArray[np.integer]) -> NDArray[np.int64]:
    """Row numbers of the notes of loops that begin at `first` and have so many each."""
    starts = np.cumsum(counts) - counts
    lines: NDArray[np.int64] = np.arange(int(counts.sum()), dtype=np.int64) + np.repeat(first - starts, counts)
    return lines


def _digest_of(name: str, loop_ids: Sequence[str]) -> str:
    return hashlib.sha256("".join([name, *loop_ids]).encode()).hexdigest()[:8]


def _settled(workspace: Workspace, store: LoopStore, exchange: Exchange) -> Exchange:
    """The exchange with all that is needed so that each loop repeats the first of its content once it came about.

    Parts of its own are changed in place, as they do not count yet; copies of others are exchanged too.
    """
    touched = _contents(workspace, exchange.taken_out) ^ _contents(workspace, exchange.put_in)
    hashes = pa.array(sorted({content for _, content in touched}), pa.string())
    after = sorted((set(store.part_names()) - set(exchange.taken_out)) | set(exchange.put_in))
    first: dict[str, str] = {}
    taken_out, put_in = list(exchange.taken_out), list(exchange.put_in)
    for name in after:
        table = completed(read_part(workspace.loops / name, list(_CONTENT)), _CONTENT)
        concerned = table.filter(pc.is_in(table.column("content_hash"), hashes))
        wanted: dict[str, str | None] = {}
        for loop_id, content, repeated in zip(*(concerned.column(one).to_pylist() for one in _CONTENT), strict=True):
            original = first.setdefault(content, loop_id)
            if repeated != (None if original == loop_id else original):
                wanted[loop_id] = None if original == loop_id else original
        if not wanted:
            continue
        ids = table.column("loop_id").to_pylist()
        repeats = table.column("duplicate_of").to_pylist()
        values = pa.array([wanted.get(one, old) for one, old in zip(ids, repeats, strict=True)], pa.string())
        if made_for(name) == exchange.id:
            _rewrite(workspace, name, name, values)
            continue
        copy = part_name(part_number(name), _digest_of(name, ids), exchange.id)
        _rewrite(workspace, name, copy, values)
        if name in put_in:
            put_in.remove(name)
        else:
            taken_out.append(name)
        put_in.append(copy)
    return replace(exchange, taken_out=tuple(taken_out), put_in=tuple(put_in))


def _contents(workspace: Workspace, names: Iterable[str]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for name in names:
        table = read_part(workspace.loops / name, ["loop_id", "content_hash"])
        found |= set(zip(table.column("loop_id").to_pylist(), table.column("content_hash").to_pylist(), strict=True))
    return found


def _rewrite(workspace: Workspace, name: str, copy: str, duplicate_of: pa.Array) -> None:
    """The part under the name `copy`, with another column of repeated loops and the same notes."""
    if copy != name:
        notes = workspace.notes / copy
        try:
            notes.unlink(missing_ok=True)
            os.link(workspace.notes / name, notes)
        except OSError:
            write_part(notes, read_part(workspace.notes / name, None))
    loops = read_part(workspace.loops / name, None)
    if loops.schema.get_field_index("duplicate_of") < 0:
        raise StoreError("damaged_store", path=str(workspace.loops / name), reason="no column duplicate_of")
    write_part(workspace.loops / copy, _with_column(loops, "duplicate_of", duplicate_of))
