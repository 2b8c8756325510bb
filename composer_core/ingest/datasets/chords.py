"""free-midi-chords: progressions in roman numerals with tags of mood, no MIDI files.

`progressions.tsv` has mode (major, minor, modal), progression and mood_tags; each good row becomes a progression of the
workspace (see `composer_core.pipeline.datasets.progressions`). A numeral that cannot be read refuses its row.
"""

from __future__ import annotations

from collections.abc import Sequence

from composer_core.errors import InvalidValue
from composer_core.ingest.datasets.adapter import Adapter, Issue, Parsed, Reading, there
from composer_core.ingest.datasets.index_tables import has_table, parse_table
from composer_core.music.chords import Chord
from composer_core.music.key import Key

INDEX = "progressions.tsv"


def _parse(name: str, data: bytes) -> Parsed:
    return parse_table(name, data, ("mode", "progression"), "\t")


def _facts(files: Sequence[str], parsed: Sequence[Parsed]) -> Reading:
    reading = Reading(unmatched=[Issue(file, "no_row") for file in files])
    for one in parsed:
        reading.refused += one.refused
        reading.n_rows += len(one.rows) + len(one.refused)
        for row in one.rows:
            numerals = str(row["progression"]).split()
            key = Key(0, "minor" if row["mode"] == "minor" else "major")
            try:
                for numeral in numerals:
                    Chord.from_roman(numeral, key)
            except InvalidValue as error:
                reading.refused.append(Issue(str(row["place"]), "bad_row", str(error.values["value"])))
                continue
            words = str(row.get("mood_tags", "")).split()
            reading.progressions.append({"mode": row["mode"], "numerals": numerals, "moods": words})
    return reading


ADAPTER = Adapter(
    name="free-midi-chords",
    title="free-midi-chords",
    source="https://github.com/ldrolez/free-midi-chords",
    tested_on="real files",
    detect=has_table(INDEX, ("mode", "progression", "mood_tags"), "\t"),
    indexes=lambda root: there(root / INDEX),
    parse=_parse,
    facts=_facts,
    licence="MIT",
)
