"""The columns of a stored loop, each declared once: its type, where its value comes from, and who reads it.

Writing, reading back, the answers of a reader process, the schema, the catalogue, the choices of a filter
and the master data set all read LOOP_COLUMNS. The order is that of the stored parts.

Parts are never rewritten for a column that was added later: where a part lacks it, tables hold null, a query
finds nothing, and a Loop that is read back keeps the default of its class. Metrics and scores are columns
too; they are declared in METRICS and by the axes of the scores.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa

from composer_core.music.timing import Meter
from composer_core.store.loops.record import storable


def as_it_is(value: Any) -> Any:
    """The value itself: what most columns hold of their attribute."""
    return value


def events_text(events: tuple[tuple[int, float], ...]) -> str:
    """Tempo changes as JSON; "" for a loop of one tempo."""
    return json.dumps(events) if events else ""


def events_of(text: str) -> tuple[tuple[int, float], ...]:
    """(tick, bpm) of each tempo change, as `events_text` wrote them."""
    return tuple((int(tick), float(bpm)) for tick, bpm in json.loads(text)) if text else ()


UNIT_SUFFIXES = {
    "_tick": "ticks",
    "_quarter": "quarters",
    "_sec": "seconds",
    "_ms": "milliseconds",
    "_bpm": "quarters a minute",
    "_rate": "share",
}
"""How the name of a column with such a unit ends; one that counts begins with n_."""


@dataclass(frozen=True, slots=True)
class LoopColumn:
    """A column of the library's table of loops.

    `of` is the attribute it holds, as a path from a LoopRecord ("loop.bars"); "" for what only the
    store knows when it writes. `write` makes the stored value from the attribute and `read` the attribute
    from the stored value; `read` is None where the column is worked out from an attribute that another one holds.
    `carried` columns are said by a reader process in its answer (see pipeline.library.measuring).

    `listed`: in tables, searches and exports of the library. `shown`: in a page of the library unless other
    columns are asked for. `searched`: the words of a search are looked for in it. `plotted`: charts offer
    it (with the text "library.<name>"). `choice` is the choice of a Filter that asks for its values ("": none;
    any column of numbers can be asked for by its range).
    """

    name: str
    arrow: pa.DataType
    of: str
    meaning: str
    unit: str = ""
    write: Callable[[Any], Any] = as_it_is
    read: Callable[[Any], Any] | None = as_it_is
    carried: bool = False
    listed: bool = True
    shown: bool = False
    searched: bool = False
    plotted: bool = False
    choice: str = ""


_TEXT, _COUNT, _NUMBER = pa.string(), pa.int32(), pa.float64()
LOOP_COLUMNS = (
    LoopColumn("loop_id", _TEXT, "loop_id", "name of the loop", shown=True),
    LoopColumn(
        "source",
        _TEXT,
        "loop.source",
        "path of the source file",
        write=storable,
        shown=True,
        searched=True,
        choice="source",
    ),
    LoopColumn("source_digest", _TEXT, "source_digest", "SHA-256 of the source file"),
    LoopColumn(
        "member",
        _TEXT,
        "member",
        "name inside the archive, empty outside of one",
        write=storable,
        shown=True,
        searched=True,
    ),
    LoopColumn(
        "instrument", _TEXT, "loop.instrument", "instrument family", carried=True, shown=True, choice="instrument"
    ),
    LoopColumn("program", pa.int16(), "loop.program", "General MIDI program from 0", carried=True, shown=True),
    LoopColumn(
        "track_name",
        _TEXT,
        "loop.track_name",
        "name of the track in the file",
        write=storable,
        carried=True,
        shown=True,
        searched=True,
    ),
    LoopColumn("start_bar", _COUNT, "loop.start_bar", "first bar in the song, from 0", carried=True, shown=True),
    LoopColumn("bars", _COUNT, "loop.bars", "length in bars", "bars", carried=True, shown=True),
    LoopColumn(
        "meter",
        _TEXT,
        "loop.meter",
        "metre",
        write=str,
        read=cache(Meter.parse),
        carried=True,
        shown=True,
        choice="meter",
    ),
    LoopColumn(
        "tempo_bpm",
        _NUMBER,
        "loop.tempo_bpm",
        "quarters a minute",
        "quarters a minute",
        carried=True,
        shown=True,
        plotted=True,
    ),
    LoopColumn(
        "tempo_varies", pa.bool_(), "loop.tempo_events", "whether the tempo changes inside it", write=bool, read=None
    ),
    LoopColumn(
        "n_notes", _COUNT, "loop.notes", "notes", "notes", write=len, read=None, carried=True, shown=True, plotted=True
    ),
    LoopColumn(
        "swing_phase",
        _TEXT,
        "swing_phase",
        "straight, swing_8, swing_16 or triplet, as measured",
        carried=True,
        shown=True,
        choice="swing",
    ),
    LoopColumn("content_hash", _TEXT, "content_hash", "equal for exact duplicates", carried=True),
    LoopColumn("duplicate_of", _TEXT, "", "first loop of the same content", shown=True),
    LoopColumn("origin", _TEXT, "origin", "imported or generated", shown=True, choice="origin"),
    LoopColumn("take_id", _TEXT, "take_id", "the take a generated loop came from", shown=True, searched=True),
    LoopColumn(
        "valence_estimate",
        _NUMBER,
        "valence_estimate",
        "valence as estimated, -1 to 1",
        carried=True,
        shown=True,
        plotted=True,
    ),
    LoopColumn(
        "arousal_estimate",
        _NUMBER,
        "arousal_estimate",
        "arousal as estimated, 0 to 1",
        carried=True,
        shown=True,
        plotted=True,
    ),
    LoopColumn(
        "key_root", pa.int8(), "key_root", "tonic as estimated, 0 = C to 11; -1 for none", carried=True, shown=True
    ),
    LoopColumn("key_mode", _TEXT, "key_mode", "mode as estimated", carried=True, shown=True, choice="measured_mode"),
    LoopColumn("key_confidence", _NUMBER, "key_confidence", "how sure the key is, 0 to 1", carried=True),
    LoopColumn("score_digest", _TEXT, "score_digest", "the calibration its scores are of", carried=True),
    LoopColumn("created_at", pa.timestamp("us", tz="UTC"), "", "when it was stored", shown=True),
    LoopColumn(
        "tempo_events",
        _TEXT,
        "loop.tempo_events",
        "tempo changes inside it, as JSON",
        write=events_text,
        read=events_of,
        carried=True,
        listed=False,
    ),
    LoopColumn(
        "extra",
        _TEXT,
        "loop.extra",
        "what else the file says of it, as JSON",
        write=json.dumps,
        read=json.loads,
        carried=True,
        listed=False,
    ),
    # Bytes do not go into JSON: a reader process packs them beside the notes.
    LoopColumn("fingerprint", pa.binary(), "fingerprint", "the rhythm in codes of a byte each", listed=False),
    LoopColumn("first_note", pa.int64(), "", "its first row in the part's notes", listed=False),
    LoopColumn(
        "reading", _COUNT, "reading", "number of the reading that cut it; missing: an earlier one", listed=False
    ),
    LoopColumn("cut_bars", _COUNT, "cut_bars", "bars a loop that were asked for", listed=False),
    LoopColumn("drum_map_choice", _TEXT, "drum_map_choice", "note map of the drums that was asked for", listed=False),
    LoopColumn(
        "score_profile",
        _TEXT,
        "score_profile",
        "the profile its scores are read by, as measured: performed or programmed",
        carried=True,
    ),
    LoopColumn(
        "programmed_digest", _TEXT, "programmed_digest", "the calibration its programmed scores are of", carried=True
    ),
)
LOOP_SCHEMA = pa.schema([(column.name, column.arrow) for column in LOOP_COLUMNS])
NOT_LISTED = tuple(column.name for column in LOOP_COLUMNS if not column.listed)
"""Columns that tables of loops leave out."""
BY_NAME = {column.name: column for column in LOOP_COLUMNS}
